//! Rules of the drain that a test can do without, to show that their loss is seen.
//!
//! Nothing outside of this crate's own code decides what holds: a program has to be written to do
//! without a rule ([`Service::without`](crate::Service::without)), and with the feature `sabotage`
//! alone can it be. No variable and no setting reaches a service that ships.

/// A rule, by the name of what is done without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(any(test, feature = "sabotage")),
    allow(dead_code, reason = "all hold")
)]
pub(crate) enum Rule {
    /// `no-lame-duck`: drain at once.
    LameDuck,
    /// `no-fence`: close the listener as it stands.
    Fence,
    /// `deafen-given`: close a listener for everybody who holds it.
    Given,
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

/// The rules that hold: all, and in tests all but one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    #[cfg(any(test, feature = "sabotage"))]
    without: Option<Rule>,
}

impl Rules {
    /// Whether a rule does not hold.
    #[inline]
    pub(crate) fn lack(self, rule: Rule) -> bool {
        #[cfg(any(test, feature = "sabotage"))]
        return self.without == Some(rule);
        #[cfg(not(any(test, feature = "sabotage")))]
        {
            let _ = rule;
            false
        }
    }

    #[cfg(any(test, feature = "sabotage"))]
    pub(crate) fn without(rule: Rule) -> Self {
        Self {
            without: Some(rule),
        }
    }
}

#[cfg(feature = "sabotage")]
impl Rule {
    /// The rule of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "no-lame-duck" => Self::LameDuck,
            "no-fence" => Self::Fence,
            "deafen-given" => Self::Given,
            "no-goodbye" => Self::Goodbye,
            "goodbye-at-once" => Self::FirstResponse,
            "one-goaway" => Self::TwoGoaways,
            "idle-unasked" => Self::IdleAsked,
            "exit-unacknowledged" => Self::Acknowledged,
            "never-fence" => Self::Refuse,
            "cut-at-once" => Self::Finish,
            "no-deadline" => Self::Deadline,
            "no-linger" => Self::Linger,
            "wrong-probes" => Self::Probes,
            "admin-first" => Self::AdminLast,
            "no-prestop" => Self::Prestop,
            "prestop-drains" => Self::PrestopServes,
            "prestop-open" => Self::PrestopInside,
            "no-line-ends" => Self::LineEnds,
            "no-room" => Self::Room,
            "any-budget" => Self::Budget,
            _ => return None,
        })
    }
}
