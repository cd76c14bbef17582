use std::fs;
use std::path::PathBuf;

use super::super::pods::Pods;
use super::*;

/// A kubectl that lists pod `a`, and answers each watch by what the script says; removed at the end.
struct Fake {
    folder: PathBuf,
}

impl Fake {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("rehearse-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self { folder }
    }

    /// `watch`: by the version that it is to go on from, in `$from`.
    fn kubectl(&self, list: &str, watch: &str) -> Kubectl {
        let folder = self.folder.display();
        Kubectl::faked(&format!(
            r#"path=$7; echo "$path" >>{folder}/calls; case "$path" in
               *watch=true*) from=${{path##*resourceVersion=}}; {watch} ;;
               *) {list} ;; esac"#
        ))
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.folder.join("calls")).unwrap_or_default()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        // Nothing is left to be done about it.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn event(kind: &str, version: u32, state: &str) -> String {
    let metadata = format!(r#"{{"name":"a","resourceVersion":"{version}"}}"#);
    let status = format!(r#"{{"containerStatuses":[{{"name":"hello","state":{state}}}]}}"#);
    let object = format!(r#"{{"metadata":{metadata},"status":{status}}}"#);
    format!(r#"{{"type":"{kind}","object":{object}}}"#)
}

const RUNNING: &str = r#"{"running":{}}"#;
const ENDED: &str = r#"{"terminated":{"exitCode":0,"message":"bye","containerID":"x"}}"#;
const LIMIT: Duration = Duration::from_secs(20);

fn list() -> String {
    let running = event("", 1, RUNNING);
    let (_, pod) = running.split_once(r#""object":"#).unwrap();
    let pod = pod.strip_suffix('}').unwrap();
    format!(r#"echo '{{"metadata":{{"resourceVersion":"5"}},"items":[{pod}]}}'"#)
}

#[tokio::test]
async fn what_happened_while_a_watch_was_interrupted_is_seen_by_the_next_one() {
    let fake = Fake::new("resumed");
    // The first watch ends after one event; the pod ends and goes before the next one begins.
    let (first, ended) = (event("MODIFIED", 6, RUNNING), event("MODIFIED", 7, ENDED));
    let gone = event("DELETED", 8, RUNNING);
    let watch = format!(
        "case $from in 5) echo '{first}' ;; 6) echo '{ended}'; echo '{gone}' ;; *) exec sleep 60 ;; esac"
    );
    let kubectl = fake.kubectl(&list(), &watch);
    let pods = Followed::<Pods>::start(&kubectl).await.unwrap();
    assert!(
        pods.read(|pods| pods.present.contains_key("a")),
        "it is listed first"
    );
    assert!(pods.until(|pods| !pods.gone.is_empty(), LIMIT).await);
    let message = pods.read(|pods| {
        let (_, ended) = pods.gone[0].seen.ended.clone().unwrap();
        ended.end("hello").unwrap().message.clone()
    });
    assert_eq!(message, "bye");
    let calls = fake.calls();
    let lists = calls.lines().filter(|call| !call.contains("watch=true"));
    assert_eq!(lists.count(), 1, "{calls}");
}

#[tokio::test]
async fn a_moment_that_is_forgotten_leads_to_a_new_list_which_is_compared() {
    for forgotten in [
        r#"echo '{"type":"ERROR","object":{"code":410,"reason":"Expired"}}'"#,
        r#"echo 'Error from server (Expired): too old resource version: 5 (9)' >&2; exit 1"#,
    ] {
        let fake = Fake::new("forgotten");
        let calls = fake.folder.join("calls");
        let lists = format!("grep -cv watch=true {}", calls.display());
        let (first, later) = (
            list(),
            r#"echo '{"metadata":{"resourceVersion":"9"},"items":[]}'"#,
        );
        let lists = format!(r#"if [ "$({lists})" = 1 ]; then {first}; else {later}; fi"#);
        let watch = format!("case $from in 5) {forgotten} ;; *) exec sleep 60 ;; esac");
        let kubectl = fake.kubectl(&lists, &watch);
        let pods = Followed::<Pods>::start(&kubectl).await.unwrap();
        assert!(pods.until(|pods| !pods.gone.is_empty(), LIMIT).await);
        assert!(pods.read(|pods| pods.gone[0].seen.ended.is_none()));
    }
}
