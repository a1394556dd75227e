//! Counts the messages of each device, and says so.

use wasmsc_plugin::{ConfigCheck, ConfigError, Context, Failure, Mo, Rule, export_rule};

/// The rule.
pub struct Hello;

impl Rule for Hello {
    fn handle_mo(mo: &Mo, cx: &mut Context<'_>) -> Result<(), Failure> {
        let greeting = greeting(cx)?;
        let visits = cx.increment("visits", 1)?;
        cx.reply(format!("{greeting}! Visit {visits}: you said {}", mo.text().unwrap_or_default()))?;
        Ok(())
    }
}

impl ConfigCheck for Hello {
    /// Before the rule gets any traffic: what is wrong with its config, for whoever wrote it.
    fn check_config(cx: &Context<'_>) -> Result<(), ConfigError> {
        greeting(cx).map(drop)
    }
}

export_rule!(Hello: mo, config);

fn greeting(cx: &Context<'_>) -> Result<String, ConfigError> {
    let greeting = cx.config("greeting").unwrap_or_else(|| "Hello".to_owned());
    if greeting.chars().count() > 40 {
        return Err(ConfigError::new("config greeting has more than 40 characters"));
    }
    Ok(greeting)
}

#[cfg(test)]
mod tests {
    /// Natively, without WebAssembly; `wasmsc plugin test` runs the same on the component.
    #[test]
    fn the_cases_hold() {
        wasmsc_plugin::testing::cases::check::<super::Hello>("cases");
    }
}
