//! The same request at each moment of a drain.

use crate::{
    harness::{Left, Service},
    process::{Setup, Signal},
};

/// When the rest of a request that has begun comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(crate) enum Moment {
    /// Before the process is told to go.
    Ready,
    /// Between T0 and the fence.
    LameDuck,
    /// While the fence goes up.
    Fence,
    /// When newcomers are refused already.
    Draining,
}

impl Moment {
    const ALL: [Self; 4] = [Self::Ready, Self::LameDuck, Self::Fence, Self::Draining];

    /// Whether a last response must say goodbye.
    pub(crate) fn is_told(self) -> bool {
        self != Self::Ready
    }

    fn reach(self, service: &Service) {
        match self {
            Self::Ready => {}
            Self::LameDuck => service.begin_lame_duck(),
            Self::Fence => {
                service.begin_lame_duck();
                service.process.signal(Signal::SIGINT);
            }
            Self::Draining => {
                service.begin_lame_duck();
                service.begin_draining();
            }
        }
    }

    /// What is left to do after the moment until the process leaves.
    fn leave(self, service: Service) -> Left {
        match self {
            Self::Ready | Self::LameDuck => service.stop(),
            Self::Fence | Self::Draining => service.left_in_good_order(),
        }
    }
}

/// Has a process of its own for each moment: `begin` comes before T0, and leaves something in
/// flight; `finish` at the moment. Then the process must leave, with nothing cut.
#[track_caller]
pub(crate) fn at_every_moment<T>(begin: impl Fn(&Service) -> T, finish: impl Fn(&mut T, Moment)) {
    at_every_moment_with(|setup| setup, begin, finish);
}

/// The same, with further settings.
#[track_caller]
pub(crate) fn at_every_moment_with<T>(
    settings: impl Fn(Setup) -> Setup,
    begin: impl Fn(&Service) -> T,
    finish: impl Fn(&mut T, Moment),
) {
    for moment in Moment::ALL {
        println!("moment: {moment:?}");
        let service = settings(Setup::held()).serve();
        let mut begun = begin(&service);
        moment.reach(&service);
        finish(&mut begun, moment);
        drop(begun);
        moment.leave(service);
    }
}
