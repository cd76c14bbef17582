//! `rehearse`: rolling updates of real service processes under a model of Kubernetes, and a strict
//! client that counts what they lose.
//!
//! A service is known only as a program with a command line, two ports and signals, so anything
//! can be rehearsed, in any language. [`rehearsal::run`] runs each [`scenario::Scenario`]: the same
//! load and the same steps for each of its arms, at the same time. [`rehearse_arm`] runs an arm,
//! [`rehearse_client`] measures, [`rehearse_model`] replaces pods, [`rehearse_report`] judges.
//! [`rehearse_cluster`] does the same on a real cluster.

pub mod bench;
pub mod binaries;
pub mod certificates;
pub mod cli;
pub mod conform;
pub mod limits;
pub mod lint;
pub mod rehearsal;
pub mod run_report;
pub mod scenario;
