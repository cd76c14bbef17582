//! `rehearse`: rolling updates of real service processes under a model of Kubernetes, and a strict
//! client that counts what they lose.
//!
//! A service is known only as a program with a command line, two ports and signals, so anything
//! can be rehearsed, in any language. [`rehearsal::play`] plays each [`scenario::Scenario`]: the same
//! load and the same steps for each of its arms, at the same time. [`rehearse_client`] measures,
//! [`rehearse_model`] replaces the cluster, [`report`] judges. [`cluster`] does the same on a real one.

pub mod arm;
pub mod bench;
pub mod binaries;
pub mod cli;
pub mod cluster;
pub mod conform;
pub mod events;
pub mod limits;
pub mod lint;
pub mod load;
pub mod progress;
pub mod rehearsal;
pub mod report;
pub mod scenario;
