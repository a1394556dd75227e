//! Which cases are run, and against which component.

use std::path::{Path, PathBuf};

use super::project::Project;
use crate::cli::failure::Failure;

/// Folder of a plugin that holds its cases.
const CASES: &str = "cases";

/// Found from what a command names.
#[derive(Debug)]
pub struct Targets {
    pub component: PathBuf,
    pub files: Vec<PathBuf>,
    /// Folders whose case files were taken: new ones may come.
    pub folders: Vec<PathBuf>,
}

impl Targets {
    /// `named`: folders of plugins, folders of cases, case files, or a component.
    pub fn find(named: &[PathBuf], component: Option<&Path>) -> Result<Targets, Failure> {
        let here = [PathBuf::from(".")];
        let is_component = |path: &&PathBuf| path.extension().is_some_and(|it| it == "wasm");
        let (components, named): (Vec<&PathBuf>, Vec<&PathBuf>) = named.iter().partition(is_component);
        let component = component.or_else(|| components.first().map(|path| path.as_path()));
        let named = if named.is_empty() { here.iter().collect() } else { named };
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for path in &named {
            if path.is_dir() {
                let inner = path.join(CASES);
                let folder = if inner.is_dir() { inner } else { (*path).clone() };
                files.extend(case_files(&folder)?);
                folders.push(folder);
            } else if path.is_file() {
                files.push((*path).clone());
            } else {
                return Err(Failure::Usage(format!("{}: there is no such file or folder", path.display())));
            }
        }
        if files.is_empty() {
            let where_to = named.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
            return Err(Failure::Failed(format!("{where_to}: no case is there; write one as cases/hello.toml")));
        }
        let component = match component {
            Some(file) => file.to_owned(),
            None => component_beside(named[0])?,
        };
        Ok(Targets { component, files, folders })
    }
}

/// In the order of their names.
pub fn case_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error| Failure::Failed(format!("{}: cannot be read: {error}", folder.display()));
    let entries = std::fs::read_dir(folder).map_err(unreadable)?.flatten().map(|entry| entry.path());
    let is_case = |path: &PathBuf| {
        let is_manifest = path.file_name().is_some_and(|name| name == "Cargo.toml" || name == "pyproject.toml");
        path.extension().is_some_and(|it| it == "toml") && path.is_file() && !is_manifest
    };
    let mut files: Vec<PathBuf> = entries.filter(is_case).collect();
    files.sort();
    Ok(files)
}

/// Of the plugin that the path lies in: `.`, `cases`, or `cases/leak.toml`.
fn component_beside(path: &Path) -> Result<PathBuf, Failure> {
    let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folders = absolute.ancestors().take(3).filter(|folder| folder.is_dir());
    let projects = folders.filter_map(|folder| Project::find(folder).ok());
    let Some(project) = projects.into_iter().next() else {
        let here = path.display();
        return Err(Failure::Usage(format!(
            "{here}: is in no plugin's folder; name the component with --component FILE"
        )));
    };
    project.component()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_and_the_component_are_found_from_any_of_their_names() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let folder = folder.path().canonicalize().expect("it is there");
        let write = |name: &str| {
            let file = folder.join(name);
            std::fs::create_dir_all(file.parent().expect("inside")).expect("made");
            std::fs::write(file, "").expect("written");
        };
        for name in ["Makefile", "cases/b.toml", "cases/a.toml", "cases/notes.txt", "dist/rule.wasm", "pyproject.toml"]
        {
            write(name);
        }
        let all = [folder.join("cases/a.toml"), folder.join("cases/b.toml")];
        for named in [folder.clone(), folder.join("cases")] {
            let found = Targets::find(&[named], None).expect("found");
            assert_eq!((found.files, found.component), (all.to_vec(), folder.join("dist/rule.wasm")));
        }
        let found = Targets::find(&[folder.join("cases/b.toml")], None).expect("found");
        assert_eq!(found.files, [folder.join("cases/b.toml")]);
        let other = folder.join("other.wasm");
        let found = Targets::find(&[folder.clone(), other.clone()], None).expect("found");
        assert_eq!(found.component, other);
        assert!(Targets::find(&[folder.join("gone")], None).is_err());
        assert!(
            Targets::find(&[folder.join("dist")], None).expect_err("none").to_string().contains("no case is there")
        );
    }
}
