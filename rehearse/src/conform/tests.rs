use crate::cli;

/// What comes of a command line: an exit without a word, or the line that says what is wrong.
fn refusal(args: &str) -> String {
    let args = format!("rehearse conform {args}");
    let cli = match cli::parse(args.split(' ').map(str::to_owned)) {
        Ok(cli) => cli,
        Err(error) => return error.to_string(),
    };
    let Some(cli::Command::Conform(options)) = &cli.command else {
        panic!("{:?}", cli.command);
    };
    let binaries = crate::binaries::Binaries::new(None, true);
    let plan = super::plan(options, &binaries);
    plan.err()
        .map(|error| error.to_string())
        .unwrap_or_default()
}

#[test]
fn bad_input_is_one_line_that_names_it() {
    let bad = [
        ("", "PROGRAM"),
        ("--path x -- ./server", "--path = x"),
        ("--lame-duck 30s -- ./server", "--lame-duck = 30s"),
        ("--prestop-sleep 30s -- ./server", "--prestop-sleep = 30s"),
        ("--slow /slow -- ./server", "--slow = /slow"),
        (
            "--slow /slow --slow-takes 1s -- ./server",
            "--slow-takes = 1s",
        ),
        ("--download /file -- ./server", "--download = /file"),
        ("--ready ready -- ./server", "--ready = ready"),
        ("--prestop-http-get x -- ./server", "--prestop-http-get = x"),
        (
            "--prestop-path /x --prestop-http-get /x -- ./server",
            "--prestop-http-get",
        ),
        ("--service hello --path /x", "--path"),
        ("--service hello -- ./server", "PROGRAM"),
        ("--seed 7 -- ./server", "--seed"),
    ];
    for (args, named) in bad {
        let refusal = refusal(args);
        assert!(refusal.contains(named), "{args}: {refusal}");
    }
    assert_eq!(
        refusal("--only idle-kept,idle -- ./server"),
        "--only = idle: must be a case that --list names"
    );
    assert_eq!(refusal("--slow /slow?ms={ms} -- ./server"), "");
    assert_eq!(refusal("--service hello --set drain.jitter=1s"), "");
}
