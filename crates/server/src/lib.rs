//! HTTP, queue and storage around the one path from a session to a report.
#![forbid(unsafe_code)]
