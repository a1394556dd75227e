//! Whether somebody gets what is sent to a shared number.

use super::Finding::{self, Fine, Note};
use crate::config::{Config, SharedNumber};

pub fn all(config: &Config) -> Vec<Finding> {
    config.shared_number.iter().map(|shared| look(config, shared)).collect()
}

fn look(config: &Config, SharedNumber { number, default_customer }: &SharedNumber) -> Finding {
    let what = format!("shared number {number}");
    let claimants = config.claimants(number).count();
    match default_customer {
        None if claimants == 0 => Note(
            format!("{what}: nobody has a keyword of it, so that all sent to it is refused"),
            "give customers keywords, or name a default_customer",
        ),
        None => Fine(format!("{what}: keywords of {claimants} customers; what begins with none of them is refused")),
        Some(id) => Fine(format!("{what}: keywords of {claimants} customers; all else is customer {id}'s")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_which_nobody_has_a_keyword_is_noted() {
        let config = |more: &str| {
            let text = format!(
                "data_dir = \"d\"\nsmpp = {{ listen = \"127.0.0.1:0\", system_id = \"x\" }}\n\
                 customer = [{{ id = \"acme\"{more} }}]\nshared_number = [{{ number = \"7009\" }}]"
            );
            Config::parse(&text, std::path::Path::new("t")).expect("valid")
        };
        assert!(matches!(&all(&config(""))[..], [Note(..)]));
        let claim = ", keywords = [{ number = \"7009\", words = [\"METER\"] }]";
        assert!(matches!(&all(&config(claim))[..], [Fine(_)]));
    }
}
