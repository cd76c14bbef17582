//! Switches one rule of the drain off, so that tests can show that its loss is seen.
//!
//! Without the feature `sabotage`, which no shipped binary has, every question here is a constant
//! `false`.

/// A rule that can be switched off, by the name that `LASTCALL_SABOTAGE` gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// `no-lame-duck`: drain at once.
    LameDuck,
    /// `no-fence`: close the listener as it stands.
    Fence,
    /// `no-goodbye`: never say `Connection: close`.
    Goodbye,
    /// `goodbye-at-once`: tell newcomers of HTTP/2 to leave before their first response.
    FirstResponse,
    /// `one-goaway`: end an idle connection of HTTP/2 without the round trip.
    TwoGoaways,
    /// `idle-unasked`: close idle connections without asking the kernel what waits.
    IdleAsked,
    /// `exit-unacknowledged`: do not wait until the peer has acknowledged every byte.
    Acknowledged,
    /// `never-fence`: go on accepting while the process drains.
    Refuse,
    /// `cut-at-once`: end what is in flight when the lame duck ends.
    Finish,
    /// `no-deadline`: cut nothing, however long it takes.
    Deadline,
    /// `no-linger`: do not listen to a client once it has its response.
    Linger,
    /// `wrong-probes`: dead from T0 on, and healthy.
    Probes,
    /// `admin-first`: close the admin listener when the drain begins.
    AdminLast,
    /// `no-prestop`: answer preStop at once, and forget it.
    Prestop,
    /// `prestop-drains`: take preStop for the signal.
    PrestopServes,
    /// `prestop-open`: let anybody call preStop.
    PrestopInside,
    /// `no-line-ends`: take line ends between two messages for a part of one.
    LineEnds,
    /// `no-room`: put nobody out to make room for a newcomer.
    Room,
    /// `any-budget`: start with settings that do not fit together.
    Budget,
}

/// Whether `rule` is switched off.
#[cfg(feature = "sabotage")]
pub(crate) fn is_off(rule: Rule) -> bool {
    use std::sync::OnceLock;

    static OFF: OnceLock<Option<Rule>> = OnceLock::new();
    let off = OFF.get_or_init(|| match std::env::var("LASTCALL_SABOTAGE").ok()?.as_str() {
        "no-lame-duck" => Some(Rule::LameDuck),
        "no-fence" => Some(Rule::Fence),
        "no-goodbye" => Some(Rule::Goodbye),
        "goodbye-at-once" => Some(Rule::FirstResponse),
        "one-goaway" => Some(Rule::TwoGoaways),
        "idle-unasked" => Some(Rule::IdleAsked),
        "exit-unacknowledged" => Some(Rule::Acknowledged),
        "never-fence" => Some(Rule::Refuse),
        "cut-at-once" => Some(Rule::Finish),
        "no-deadline" => Some(Rule::Deadline),
        "no-linger" => Some(Rule::Linger),
        "wrong-probes" => Some(Rule::Probes),
        "admin-first" => Some(Rule::AdminLast),
        "no-prestop" => Some(Rule::Prestop),
        "prestop-drains" => Some(Rule::PrestopServes),
        "prestop-open" => Some(Rule::PrestopInside),
        "no-line-ends" => Some(Rule::LineEnds),
        "no-room" => Some(Rule::Room),
        "any-budget" => Some(Rule::Budget),
        other => panic!("LASTCALL_SABOTAGE={other}: no such rule"),
    });
    *off == Some(rule)
}

/// Whether `rule` is switched off: never.
#[cfg(not(feature = "sabotage"))]
pub(crate) const fn is_off(_: Rule) -> bool {
    false
}
