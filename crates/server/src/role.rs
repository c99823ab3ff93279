//! Who may do what. A role is a word; what it may do stands at each operation of the API, in `x-roles`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an account or a device is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Runs the house: accounts, devices, screeners, the audit. Sees no participant.
    Administrator,
    /// Sees participants and assessments, signs, exports, erases.
    Clinician,
    /// Takes sessions and sees what came of them.
    Assessor,
    /// Sees values of participants who agreed, under their pseudonyms.
    Researcher,
    /// A machine: runs networks, hands in recordings and drawings.
    Device,
}

impl Role {
    /// Every role.
    pub(crate) const ALL: [Self; 5] =
        [Self::Administrator, Self::Clinician, Self::Assessor, Self::Researcher, Self::Device];

    /// The role of this name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Clinician => "clinician",
            Self::Assessor => "assessor",
            Self::Researcher => "researcher",
            Self::Device => "device",
        }
    }
}
