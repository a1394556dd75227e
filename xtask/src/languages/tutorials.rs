//! Follows the tutorials in docs/plugins as a reader would.
//!
//! A page becomes one script: `sh` blocks are its commands, and a block with a path behind its language
//! (```` ```c rule.c ````) is that file. Other blocks (`console`: what installs tools) are for readers only.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result, bail};

use super::folder;
use super::native::Tools;
use crate::steps::Steps;
use crate::{paths, scratch::Scratch};

const PAGES: [&str; 4] = ["typescript", "python", "c", "go"];
/// Ends a file in the script; no page has such a line.
const END: &str = "END_OF_TUTORIAL_FILE";

/// With the `wasmsc` that `cases` has built.
pub fn follow(steps: &mut Steps) -> Result<()> {
    let tools = Tools::new(steps)?.with(&paths::target()?.join("debug"))?;
    for page in PAGES {
        steps.run(&format!("tutorials: docs/plugins/{page}.md"), || {
            let file = paths::root().join("docs/plugins").join(format!("{page}.md"));
            let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let script = script(&text).with_context(|| file.display().to_string())?;
            let at = Scratch::new(&format!("tutorial-{page}"))?;
            let path = folder()?.join(format!("tutorial-{page}.sh"));
            fs::write(&path, script).with_context(|| format!("cannot write {}", path.display()))?;
            tools.run("sh", &["-eu", &path.to_string_lossy()], at.path())
        })?;
    }
    Ok(())
}

/// What a page tells its reader to do.
fn script(page: &str) -> Result<String> {
    let mut script = String::new();
    let mut lines = page.lines();
    let mut commands = 0;
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let block = block.join("\n");
        // Writing to a String cannot fail.
        let _ = match info.split_once(' ') {
            Some((_, path)) => writeln!(script, "cat > {path} <<'{END}'\n{block}\n{END}"),
            None if info == "sh" => {
                commands += 1;
                writeln!(script, "{block}")
            }
            None => Ok(()),
        };
    }
    if commands == 0 {
        bail!("has no commands to follow");
    }
    Ok(script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_files_come_in_the_order_of_the_page() {
        let page =
            "# T\n\n```console\napt-get\n```\n\n```sh\ncd x\n```\n\n```c a/b.c\nint x;\n\ny\n```\n\n```sh\nmake\n```\n";
        let wanted = format!("cd x\ncat > a/b.c <<'{END}'\nint x;\n\ny\n{END}\nmake\n");
        assert_eq!(script(page).expect("it has commands"), wanted);
        assert!(script("nothing to do").is_err());
    }
}
