//! Texts from the config with places to fill in.

use std::fmt;

/// A text with placeholders such as `{name}`; `{{` and `}}` are braces.
///
/// ```
/// # use wasmsc_plugin::Template;
/// let text = Template::parse("Your code is {code}.").expect("whole");
/// assert_eq!(text.names().collect::<Vec<_>>(), ["code"]);
/// assert_eq!(text.fill(|_| "1234".to_owned()), "Your code is 1234.");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Name(String),
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// A `{` without its `}`, or the other way round.
    Unbalanced,
    /// `{}`.
    Nameless,
    /// A placeholder that [`Template::parse_with`] does not know.
    Unknown { name: String, known: String },
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TemplateError::Unbalanced => f.write_str("a brace has no other half; write {{ or }} for a brace itself"),
            TemplateError::Nameless => f.write_str("{} names nothing"),
            TemplateError::Unknown { name, known } => write!(f, "{{{name}}} is not known; there is {known}"),
        }
    }
}

impl std::error::Error for TemplateError {}

impl Template {
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            plain += &rest[..at];
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
                plain += &rest[..1];
                rest = after;
                continue;
            }
            let inner = rest.strip_prefix('{').ok_or(TemplateError::Unbalanced)?;
            let (name, after) = inner.split_once('}').ok_or(TemplateError::Unbalanced)?;
            if name.contains('{') {
                return Err(TemplateError::Unbalanced);
            }
            if name.trim().is_empty() {
                return Err(TemplateError::Nameless);
            }
            parts.push(Part::Text(std::mem::take(&mut plain)));
            parts.push(Part::Name(name.trim().to_owned()));
            rest = after;
        }
        plain += rest;
        parts.push(Part::Text(plain));
        Ok(Template { parts })
    }

    /// A template that has these placeholders and no others.
    pub fn parse_with(text: &str, known: &[&str]) -> Result<Template, TemplateError> {
        let template = Template::parse(text)?;
        let unknown = template.names().find(|name| !known.contains(name)).map(str::to_owned);
        match unknown {
            Some(name) => {
                let known: Vec<String> = known.iter().map(|known| format!("{{{known}}}")).collect();
                Err(TemplateError::Unknown { name, known: known.join(", ") })
            }
            None => Ok(template),
        }
    }

    /// The placeholders, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Name(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text, with what `value` says for each placeholder. What is filled in is not looked at again.
    pub fn fill(&self, mut value: impl FnMut(&str) -> String) -> String {
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => filled += text,
                Part::Name(name) => filled += &value(name),
            }
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, TemplateError> {
        Template::parse(text).map(|template| template.fill(|name| format!("<{name}>")))
    }

    #[test]
    fn placeholders_are_filled_and_doubled_braces_stay() {
        assert_eq!(filled("a {b} c{ d }"), Ok("a <b> c<d>".to_owned()));
        assert_eq!(filled("{{x}} {y}"), Ok("{x} <y>".to_owned()));
        assert_eq!(filled(""), Ok(String::new()));
        let braces = Template::parse("{a}").map(|template| template.fill(|_| "{b}".to_owned()));
        assert_eq!(braces, Ok("{b}".to_owned()), "what is filled in is no template");
    }

    #[test]
    fn a_template_that_is_not_whole_is_told() {
        for text in ["{", "}", "a {b", "a} b", "{a {b}}"] {
            assert_eq!(filled(text), Err(TemplateError::Unbalanced), "{text}");
        }
        assert_eq!(filled("{ }"), Err(TemplateError::Nameless));
    }

    /// All texts of up to seven characters that could matter.
    #[test]
    fn every_text_is_read_or_refused_and_doubling_its_braces_gives_it_back() {
        for length in 0..=7_u32 {
            for number in 0..4_u32.pow(length) {
                let char = |place: u32| ['{', '}', 'a', ' '][(number >> (2 * place) & 3) as usize];
                let text: String = (0..length).map(char).collect();
                let _read_or_refused = filled(&text);
                let doubled = text.replace('{', "{{").replace('}', "}}");
                assert_eq!(filled(&doubled), Ok(text));
            }
        }
    }

    #[test]
    fn unknown_placeholders_are_named_with_those_that_there_are() {
        assert!(Template::parse_with("{a} {b}", &["a", "b"]).is_ok());
        let Err(error) = Template::parse_with("{a} {c}", &["a", "b"]) else { panic!("accepted") };
        assert_eq!(error.to_string(), "{c} is not known; there is {a}, {b}");
    }
}
