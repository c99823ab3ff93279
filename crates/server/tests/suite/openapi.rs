//! The description of the API is in the repository; a change of the API is a change of that file.

use crate::client::House;

#[test]
fn the_description_in_the_repository_is_that_of_the_program() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    let same = written.trim_end() == server::openapi();
    if !same {
        std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/openapi.json"), server::openapi() + "\n")
            .unwrap();
    }
    assert!(same, "docs/openapi.json differs; `inkling serve openapi > docs/openapi.json` writes it anew");
}

#[test]
fn operations_are_named_once_and_every_reference_leads_somewhere() {
    let document: serde_json::Value = serde_json::from_str(&server::openapi()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut names = std::collections::BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            assert!(names.insert(operation["operationId"].as_str().unwrap()), "{}", operation["operationId"]);
        }
    }
    let text = document.to_string();
    for part in text.split("#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name} is not described");
    }
}

#[test]
fn the_documentation_needs_no_network_and_shows_every_operation() {
    let house = House::new();
    let page = house.nobody().get("/docs").text();
    let described: serde_json::Value = house.nobody().get("/openapi.json").expect(200);
    for path in described["paths"].as_object().unwrap().keys() {
        assert!(page.contains(path.as_str()), "{path}");
    }
    for foreign in ["http://", "https://", "<script"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert_eq!(house.nobody().get("/docs.css").header("content-type"), "text/css");
    assert!(house.nobody().get("/docs/problems").text().contains("store-busy"));
}
