//! What runs in a pod's container.

use rehearse_platform::quoted;
use std::path::PathBuf;
use std::time::Duration;

use tokio::process::Command;

use super::address::PodAddress;
use super::probe::Check;

/// Prefix of the variables that configure a Lastcall service.
const OWN_VARIABLES: &str = "LASTCALL";

/// A container: its program and how the kubelet treats it.
#[derive(Clone, Debug)]
pub struct Program {
    /// The executable.
    pub exe: PathBuf,
    /// Its arguments; `{host}`, `{port}` and `{admin}` stand for the pod's address.
    pub args: Vec<String>,
    /// The container's environment, besides its address. Hooks see it, too.
    pub env: Vec<(String, String)>,
    /// The readiness probe.
    pub check: Check,
    /// The preStop hook.
    pub prestop: PreStop,
    /// Whether death by SIGTERM counts as leaving in good order: so it does for a program that
    /// handles no signals, not for one that promises an exit code.
    pub may_die_of_sigterm: bool,
}

/// A preStop hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreStop {
    /// SIGTERM comes at once.
    None,
    /// The `sleep` action.
    Sleep(Duration),
    /// An `exec` hook: program and arguments. It sees the container's environment, not its
    /// arguments.
    Exec(Vec<String>),
}

impl Program {
    /// The command that starts the container of the pod at `address`.
    pub fn command(&self, address: &PodAddress) -> Command {
        let args = self.args.iter().map(|arg| placed(arg, address));
        let mut command = self.in_container(&self.exe, address);
        command.args(args);
        command
    }

    /// The command of an `exec` hook, if that is what the program has.
    pub fn hook(&self, address: &PodAddress) -> Option<Command> {
        let PreStop::Exec(words) = &self.prestop else {
            return None;
        };
        let (program, args) = words.split_first()?;
        let mut command = self.in_container(program, address);
        command.args(args.iter().map(|arg| placed(arg, address)));
        Some(command)
    }

    /// A shell's command line for the same program, on the loopback address.
    pub fn by_hand(&self) -> String {
        let [http, admin] = [8080, 9090].map(|port| ([127, 0, 0, 1], port).into());
        let address = PodAddress { http, admin };
        let own = addressed(&address).map(|(name, value)| (name.to_owned(), value));
        let variables = own.into_iter().chain(self.env.iter().cloned());
        let variables = variables.map(|(name, value)| format!("{name}={value}"));
        let args = self.args.iter().map(|arg| placed(arg, &address));
        let words = variables
            .chain([self.exe.display().to_string()])
            .chain(args);
        let words = words.map(|word| quoted(&word));
        words.collect::<Vec<_>>().join(" ")
    }

    /// Where the readiness probe goes, and the path it asks for.
    pub fn probe_target(&self, address: &PodAddress) -> (std::net::SocketAddr, Option<&str>) {
        match &self.check {
            Check::Http { admin: true, path } => (address.admin, Some(path)),
            Check::Http { admin: false, path } => (address.http, Some(path)),
            Check::Tcp => (address.http, None),
        }
    }

    fn in_container(&self, program: impl AsRef<std::ffi::OsStr>, address: &PodAddress) -> Command {
        let mut command = Command::new(program);
        // A setting left in the shell must not reach the pods unseen.
        let inherited = std::env::vars_os().map(|(name, _)| name);
        for name in inherited.filter(|n| n.to_string_lossy().starts_with(OWN_VARIABLES)) {
            command.env_remove(name);
        }
        command
            .envs(addressed(address))
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// How a program learns where to listen; the last two are for Lastcall services.
fn addressed(address: &PodAddress) -> [(&'static str, String); 5] {
    let PodAddress { http, admin } = address;
    [
        ("HOST", http.ip().to_string()),
        ("PORT", http.port().to_string()),
        ("ADMIN_PORT", admin.port().to_string()),
        ("LASTCALL__HTTP__ADDRESS", http.to_string()),
        ("LASTCALL__ADMIN__ADDRESS", admin.to_string()),
    ]
}

fn placed(arg: &str, address: &PodAddress) -> String {
    arg.replace("{host}", &address.http.ip().to_string())
        .replace("{port}", &address.http.port().to_string())
        .replace("{admin}", &address.admin.port().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(prestop: PreStop) -> Program {
        let args = ["--bind", "{host}:{port}", "--admin={admin}"]
            .map(str::to_owned)
            .to_vec();
        let env = vec![("GREETING".to_owned(), "hi".to_owned())];
        let check = Check::Http {
            admin: true,
            path: "/readyz".to_owned(),
        };
        Program {
            exe: "/bin/app".into(),
            args,
            env,
            check,
            prestop,
            may_die_of_sigterm: false,
        }
    }

    fn address() -> PodAddress {
        let [http, admin] = [8080, 9090].map(|port| ([127, 7, 0, 3], port).into());
        PodAddress { http, admin }
    }

    #[test]
    fn a_program_learns_its_address_by_arguments_and_environment() {
        let command = program(PreStop::None).command(&address());
        let args: Vec<_> = command.as_std().get_args().collect();
        assert_eq!(args, ["--bind", "127.7.0.3:8080", "--admin=9090"]);
        let set = |name: &str| {
            let mut envs = command.as_std().get_envs();
            envs.find(|(n, _)| *n == name)
                .and_then(|(_, v)| v?.to_str().map(str::to_owned))
        };
        assert_eq!(set("HOST").as_deref(), Some("127.7.0.3"));
        assert_eq!(set("PORT").as_deref(), Some("8080"));
        assert_eq!(set("ADMIN_PORT").as_deref(), Some("9090"));
        assert_eq!(
            set("LASTCALL__ADMIN__ADDRESS").as_deref(),
            Some("127.7.0.3:9090")
        );
        assert_eq!(set("GREETING").as_deref(), Some("hi"));
    }

    #[test]
    fn a_program_can_be_tried_by_hand() {
        let line = program(PreStop::None).by_hand();
        assert!(
            line.starts_with("HOST=127.0.0.1 PORT=8080 ADMIN_PORT=9090 "),
            "{line}"
        );
        assert!(
            line.ends_with(" GREETING=hi /bin/app --bind 127.0.0.1:8080 --admin=9090"),
            "{line}"
        );
    }

    #[test]
    fn a_hook_sees_the_environment_and_not_the_arguments() {
        let words = ["/bin/app", "prestop"].map(str::to_owned).to_vec();
        let hook = program(PreStop::Exec(words)).hook(&address()).unwrap();
        assert_eq!(hook.as_std().get_args().collect::<Vec<_>>(), ["prestop"]);
        assert!(hook.as_std().get_envs().any(|(name, _)| name == "GREETING"));
        assert!(
            program(PreStop::Sleep(Duration::ZERO))
                .hook(&address())
                .is_none()
        );
    }
}
