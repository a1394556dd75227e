//! docs/plugins/contract.md is what wit/plugin.wit says: every interface, function, type and its comment.
//!
//! The page is made here, and written with UPDATE=1.

mod page;

use std::path::Path;

#[test]
fn docs_plugins_contract_md_is_what_the_contract_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let contract = std::fs::read_to_string(root.join("wit/plugin.wit")).expect("it can be read");
    let page = page::of(&contract);
    let file = root.join("docs/plugins/contract.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(root.join("docs/plugins")).expect("a folder can be made");
        std::fs::write(&file, &page).expect("the file can be written");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == page,
        "docs/plugins/contract.md is not what wit/plugin.wit says; UPDATE=1 with this test writes it"
    );
}

#[test]
fn the_page_has_every_function_of_the_contract() {
    let contract = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("wit/plugin.wit"));
    let contract = contract.expect("it can be read");
    let page = page::of(&contract);
    let functions = contract
        .lines()
        .filter_map(|line| line.trim().split_once(": func(").or(line.trim().split_once(": static func(")));
    let mut count = 0;
    for (name, _) in functions {
        assert!(page.contains(&format!("`{name}(")) || page.contains(&format!("`draft.{name}(")), "{name}");
        count += 1;
    }
    assert!(count > 30, "{count} functions only");
}
