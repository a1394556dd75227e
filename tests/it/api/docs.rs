//! docs/API.md does what it says: its commands are run, and its answers are compared.
//!
//! A block of `console` holds commands behind `$ `, and behind each what it prints. Whatever a server makes up (ids,
//! times, keys) may differ, and takes the place of the page's own in later commands.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::client::start;
use crate::smsc::site::Plan;

/// What the page's commands name.
const ADDRESS: &str = "127.0.0.1:8080";

struct Example {
    command: String,
    answer: String,
}

fn examples(page: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let (mut is_console, mut is_command) = (false, false);
    for line in page.lines() {
        if line.starts_with("```") {
            is_console = line == "```console";
        } else if !is_console {
            continue;
        } else if let Some(command) = line.strip_prefix("$ ") {
            examples.push(Example { command: command.to_owned(), answer: String::new() });
            is_command = line.ends_with('\\');
        } else {
            let example = examples.last_mut().unwrap_or_else(|| panic!("{line:?} comes before any command"));
            let part = if is_command { &mut example.command } else { &mut example.answer };
            part.push('\n');
            part.push_str(line);
            is_command &= line.ends_with('\\');
        }
    }
    examples
}

/// What the page has in other words than this server.
struct Learned {
    words: BTreeMap<String, String>,
    /// The first one that the page makes, which is `$KEY` from then on.
    key: String,
}

impl Learned {
    fn put_into(&self, text: &str) -> String {
        self.words.iter().fold(text.to_owned(), |text, (page, server)| text.replace(page, server))
    }

    fn compare(&mut self, at: &str, page: &Value, server: &Value) {
        match (page, server) {
            (Value::Object(page), Value::Object(server)) => {
                let names = |object: &serde_json::Map<String, Value>| object.keys().cloned().collect::<Vec<_>>();
                assert_eq!(names(page), names(server), "fields of {at}");
                page.iter().for_each(|(name, value)| self.compare(name, value, &server[name]));
            }
            (Value::Array(page), Value::Array(server)) => {
                assert_eq!(page.len(), server.len(), "length of {at}: {server:?}");
                page.iter().zip(server).for_each(|(page, server)| self.compare(at, page, server));
            }
            (Value::String(page), Value::String(server)) if is_made_up(at) => {
                if at == "key" && self.key.is_empty() {
                    self.key.clone_from(server);
                }
                self.words.insert(page.clone(), server.clone());
            }
            _ => assert_eq!(page, server, "{at}"),
        }
    }
}

fn is_made_up(field: &str) -> bool {
    ["id", "message_id", "at", "key", "secret", "address", "at"].contains(&field) || field.ends_with("_at")
}

/// Status line and headers, where `-i` shows them; then the body.
fn parts(answer: &str) -> (Vec<&str>, Option<Value>) {
    let (head, body) = match answer.starts_with("HTTP/") {
        true => answer.split_once("\n\n").unwrap_or((answer, "")),
        false => ("", answer),
    };
    (head.lines().collect(), serde_json::from_str(body).ok())
}

fn run(command: &str, home: &Path, tokens: [(&str, &str); 2]) -> String {
    let mut shell = Command::new("bash");
    shell.args(["-c", command]).current_dir(home).envs(tokens);
    let output = shell.output().expect("bash is there");
    assert!(output.status.success(), "{command}\n{output:?}");
    String::from_utf8(output.stdout).expect("text").replace('\r', "")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs curl; cargo xtask api runs it"]
async fn the_commands_of_the_page_do_what_it_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/API.md");
    let page = std::fs::read_to_string(file).expect("readable");
    let examples = examples(&page);
    assert!(examples.len() >= 8, "{} commands: is the page in another form?", examples.len());
    let (site, operator) = start(Plan::network().acme("inbox = true").more("\n[history]\ndays = 1\n")).await;
    let mut learned = Learned { words: [(ADDRESS.to_owned(), site.api().to_string())].into(), key: String::new() };
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    for Example { command, answer } in examples {
        let tokens = [("KEY", learned.key.as_str()), ("OPERATOR", operator.token())];
        let said = run(&learned.put_into(&command), home.path(), tokens);
        let ((page_head, page_body), (head, body)) = (parts(answer.trim()), parts(said.trim()));
        match (&page_body, &body) {
            (Some(page), Some(server)) => learned.compare(&command, page, server),
            (None, None) if page_head.is_empty() => {
                assert_eq!(said.trim(), learned.put_into(answer.trim()), "{command}")
            }
            _ => assert_eq!(page_body.is_some(), body.is_some(), "{command}\n{said}"),
        }
        for line in page_head {
            let line = learned.put_into(line);
            assert!(head.contains(&&*line), "{command}\n{line:?} is not in {head:?}");
        }
    }
    site.end(()).await;
}
