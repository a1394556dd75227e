//! The contract as a page of Markdown, from what wit-parser reads.

use std::fmt::Write as _;

use wit_parser::{
    Docs, Function, FunctionKind, Handle, Interface, InterfaceId, Resolve, Type, TypeDef, TypeDefKind, TypeId,
    TypeOwner, WorldItem, WorldKey,
};

const HEAD: &str = "\
<!-- Made from wit/plugin.wit by tests/it/contract.rs; UPDATE=1 with that test writes it again. -->

# The contract

What a rule exports and what wasmsc gives to it. `wit/plugin.wit` is the source; this page is made from it. The limits of every
call are in [PLUGINS.md](../PLUGINS.md#limits).

";

pub fn of(contract: &str) -> String {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("plugin.wit", contract).expect("the contract can be read");
    let package = &resolve.packages[package];
    let version = package.name.version.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut page = HEAD.to_owned();
    writeln!(page, "Package `wasmsc:plugin@{version}`. {}\n", prose(&package.docs)).expect("a String takes everything");
    let exported = |id: &InterfaceId| is_of_a_world(&resolve, package, *id, false);
    let imported = |id: &InterfaceId| is_of_a_world(&resolve, package, *id, true);
    let all: Vec<InterfaceId> = package.interfaces.values().copied().collect();
    page += "## What a rule exports\n\nEach interface on its own is optional; one handler at least.\n\n";
    all.iter().filter(|id| exported(id)).for_each(|id| interface(&resolve, *id, &mut page));
    page += "## What the host gives\n\n";
    all.iter()
        .filter(|id| imported(id) && !exported(id) && has_functions(&resolve, **id))
        .for_each(|id| interface(&resolve, *id, &mut page));
    page += "## Types\n\n";
    all.iter().filter(|id| !has_functions(&resolve, **id)).for_each(|id| interface(&resolve, *id, &mut page));
    page += "## Worlds\n\nSDKs generate from them; the host looks at each export by itself.\n\n";
    for (name, id) in &package.worlds {
        let world = &resolve.worlds[*id];
        let exports: Vec<String> = world.exports.iter().filter_map(|(key, item)| named(&resolve, key, item)).collect();
        let exports = if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") };
        writeln!(page, "- `{name}`: exports {exports}. {}", prose(&world.docs)).expect("likewise");
    }
    page.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn is_of_a_world(resolve: &Resolve, package: &wit_parser::Package, id: InterfaceId, imports: bool) -> bool {
    package.worlds.values().any(|world| {
        let world = &resolve.worlds[*world];
        let items = if imports { &world.imports } else { &world.exports };
        items.values().any(|item| matches!(item, WorldItem::Interface { id: of, .. } if *of == id))
    })
}

fn named(resolve: &Resolve, key: &WorldKey, item: &WorldItem) -> Option<String> {
    match item {
        WorldItem::Interface { .. } => {
            let name = resolve.name_world_key(key);
            let name = name.rsplit('/').next()?.split('@').next()?.to_owned();
            Some(format!("`{name}`"))
        }
        _ => None,
    }
}

fn has_functions(resolve: &Resolve, id: InterfaceId) -> bool {
    !resolve.interfaces[id].functions.is_empty()
}

fn interface(resolve: &Resolve, id: InterfaceId, page: &mut String) {
    let it: &Interface = &resolve.interfaces[id];
    let name = it.name.as_deref().unwrap_or_default();
    write!(page, "### {name}\n\n").expect("a String takes everything");
    paragraph(page, &it.docs);
    for (name, of) in &it.types {
        let definition = &resolve.types[*of];
        if is_own(definition, id) {
            type_definition(resolve, name, definition, page);
        }
    }
    if it.functions.is_empty() {
        return;
    }
    page.push_str("| function | |\n|---|---|\n");
    for function in it.functions.values() {
        writeln!(page, "| `{}` | {} |", signature(resolve, function), prose(&function.docs)).expect("likewise");
    }
    page.push('\n');
}

/// Not `use`d from another interface.
fn is_own(definition: &TypeDef, id: InterfaceId) -> bool {
    definition.owner == TypeOwner::Interface(id) && !matches!(definition.kind, TypeDefKind::Type(Type::Id(_)))
}

fn type_definition(resolve: &Resolve, name: &str, definition: &TypeDef, page: &mut String) {
    let docs = prose(&definition.docs);
    let rows: Vec<(String, String)> = match &definition.kind {
        TypeDefKind::Record(record) => {
            let field = |field: &wit_parser::Field| {
                (format!("{}: {}", field.name, shown(resolve, &field.ty)), prose(&field.docs))
            };
            record.fields.iter().map(field).collect()
        }
        TypeDefKind::Variant(variant) => {
            let case = |case: &wit_parser::Case| {
                let of = case.ty.as_ref().map(|of| format!("({})", shown(resolve, of))).unwrap_or_default();
                (format!("{}{of}", case.name), prose(&case.docs))
            };
            variant.cases.iter().map(case).collect()
        }
        TypeDefKind::Enum(of) => of.cases.iter().map(|case| (case.name.clone(), prose(&case.docs))).collect(),
        TypeDefKind::Resource => Vec::new(),
        TypeDefKind::Type(of) => {
            writeln!(page, "`{name}` is {}: {docs}\n", shown(resolve, of)).expect("a String takes everything");
            return;
        }
        other => panic!("the page has no words for {other:?}"),
    };
    let kind = definition.kind.as_str();
    writeln!(page, "{kind} `{name}`{}\n", if docs.is_empty() { String::new() } else { format!(": {docs}") })
        .expect("likewise");
    for (what, docs) in &rows {
        let docs = if docs.is_empty() { String::new() } else { format!(": {docs}") };
        writeln!(page, "- `{what}`{docs}").expect("likewise");
    }
    if !rows.is_empty() {
        page.push('\n');
    }
}

fn signature(resolve: &Resolve, function: &Function) -> String {
    let is_method = matches!(function.kind, FunctionKind::Method(_));
    let parameters = function.params.iter().skip(usize::from(is_method));
    let parameters: Vec<String> =
        parameters.map(|parameter| format!("{}: {}", parameter.name, shown(resolve, &parameter.ty))).collect();
    let result = match function.kind {
        FunctionKind::Constructor(_) => String::new(),
        _ => function.result.as_ref().map(|of| format!(" -> {}", shown(resolve, of))).unwrap_or_default(),
    };
    let name = match function.kind {
        FunctionKind::Method(id) | FunctionKind::Static(id) => {
            format!("{}.{}", type_name(resolve, id), function.item_name())
        }
        FunctionKind::Constructor(id) => type_name(resolve, id),
        _ => function.item_name().to_owned(),
    };
    format!("{name}({}){result}", parameters.join(", "))
}

fn type_name(resolve: &Resolve, id: TypeId) -> String {
    resolve.types[id].name.clone().unwrap_or_default()
}

/// As the contract writes it.
fn shown(resolve: &Resolve, of: &Type) -> String {
    let Type::Id(id) = of else { return format!("{of:?}").to_lowercase() };
    let definition = &resolve.types[*id];
    if let Some(name) = &definition.name {
        return name.clone();
    }
    let part = |of: &Option<Type>| of.as_ref().map_or("_".to_owned(), |of| shown(resolve, of));
    match &definition.kind {
        TypeDefKind::Option(of) => format!("option<{}>", shown(resolve, of)),
        TypeDefKind::List(of) => format!("list<{}>", shown(resolve, of)),
        TypeDefKind::Tuple(tuple) => {
            format!("tuple<{}>", tuple.types.iter().map(|of| shown(resolve, of)).collect::<Vec<_>>().join(", "))
        }
        TypeDefKind::Result(result) => match (&result.ok, &result.err) {
            (Some(ok), None) => format!("result<{}>", shown(resolve, ok)),
            (ok, err) => format!("result<{}, {}>", part(ok), part(err)),
        },
        TypeDefKind::Handle(Handle::Own(id)) => type_name(resolve, *id),
        TypeDefKind::Handle(Handle::Borrow(id)) => format!("borrow<{}>", type_name(resolve, *id)),
        other => panic!("the page has no words for {other:?}"),
    }
}

fn paragraph(page: &mut String, docs: &Docs) {
    let docs = prose(docs);
    if !docs.is_empty() {
        write!(page, "{docs}\n\n").expect("a String takes everything");
    }
}

/// Comments on one line, without the contract's own headings; a bar would end a table's cell.
fn prose(docs: &Docs) -> String {
    let lines = docs.contents.as_deref().unwrap_or_default().lines().filter(|line| !line.trim().starts_with("----"));
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
