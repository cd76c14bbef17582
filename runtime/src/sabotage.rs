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
        other => panic!("LASTCALL_SABOTAGE={other}: no such rule"),
    });
    *off == Some(rule)
}

/// Whether `rule` is switched off: never.
#[cfg(not(feature = "sabotage"))]
pub(crate) const fn is_off(_: Rule) -> bool {
    false
}
