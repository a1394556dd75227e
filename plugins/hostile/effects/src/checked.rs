//! Checks of the config: the setting `check` says how this goes wrong.
//!
//! | `check` | What happens |
//! |---|---|
//! | `loop`, `trap` | computes for ever; panics |
//! | `error` | the error `hostile: no` |
//! | `long` | an error of 1 MB |
//! | `secret` | an error with the secret `token` in it |
//! | `effects` | sends, writes and sets a timer, then is content |
//! | others, or none | is content |

use wasmsc_plugin::{ConfigCheck, ConfigError, Context};

use crate::{Effects, compute_for_ever, raw};

impl ConfigCheck for Effects {
    fn check_config(cx: &Context<'_>) -> Result<(), ConfigError> {
        match cx.config("check").as_deref() {
            Some("loop") => compute_for_ever(),
            Some("trap") => panic!("hostile: boom in the check"),
            Some("error") => Err(ConfigError::new("hostile: no")),
            Some("long") => Err(ConfigError::new("x".repeat(1 << 20))),
            Some("secret") => {
                let secret = cx.secret("token");
                let secret = secret.as_ref().map_or("none", |secret| secret.expose());
                Err(ConfigError::new(format!("the secret is {secret}")))
            }
            Some("effects") => {
                raw::leave_effects();
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
