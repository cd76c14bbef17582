//! The model of Kubernetes: what happens to a pod's endpoint, its process and its replacement.
//!
//! The rules are pure and know no process: [`deployment`] decides what to create and to delete,
//! [`endpoints`] is the list as a node's kube-proxy knows it, [`propagation`] is how late it
//! learns. [`cluster`] applies them to real processes.

pub mod address;
pub mod cluster;
mod controller;
pub mod deployment;
mod drain_report;
mod end;
pub mod endpoints;
pub mod pod;
pub mod probe;
pub mod process;
pub mod program;
pub mod propagation;
mod roster;
