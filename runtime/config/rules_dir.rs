//! `rules_dir`: a folder with a file per rule, which says what a table `[[rule]]` would.

use std::path::Path;

use super::{Config, ConfigError, Kind, Rule, Settings, explain};

impl Config {
    /// A rule of the folder. Its component is beside the file, unless it says otherwise.
    pub fn read_rule(file: &Path) -> Result<(Rule, Settings), ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|source| ConfigError::Read { file: file.into(), source })?;
        let mut rule: Rule = toml::from_str(&text).map_err(|error| explain::syntax(&error, &text, file))?;
        if let Some(component) = &mut rule.component {
            *component = file.parent().unwrap_or(Path::new(".")).join(&*component);
        }
        let settings = toml::from_str::<toml::Table>(&text).ok().and_then(|table| serde_json::to_value(table).ok());
        let settings = settings.and_then(|value| value.as_object().cloned()).unwrap_or_default();
        Ok((rule, settings))
    }

    /// With these rules of the folder beside those of the file.
    pub fn with_rules<'r>(&self, rules: impl Iterator<Item = &'r (Rule, Settings)>) -> Config {
        let mut all = self.clone();
        for (rule, settings) in rules {
            all.rule.push(rule.clone());
            all.declared.add(Kind::Rule, rule.id(), settings.clone());
        }
        all
    }
}
