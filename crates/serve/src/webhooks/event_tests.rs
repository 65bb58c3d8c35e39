use serde_json::{Value, json};

use super::*;
use crate::webhooks::location::{locate, location};

fn read(host: HookHost, event: &str, body: &Value) -> Event {
    Event::read(host, event, body.to_string().as_bytes(), locate).unwrap()
}

fn push(host: HookHost, event: &str, body: &Value) -> Push {
    match read(host, event, body) {
        Event::Push(push) => push,
        other => panic!("{other:?}"),
    }
}

fn change(host: HookHost, event: &str, body: &Value) -> Change {
    match read(host, event, body) {
        Event::Change(change) => change,
        other => panic!("{other:?}"),
    }
}

fn pushed(reference: &str) -> Push {
    push(
        HookHost::GitHub,
        "push",
        &json!({ "ref": reference, "after": "1f", "repository": {
            "clone_url": "https://git.example.com/team/app.git", "ssh_url": "git@git.example.com:team/app.git",
            "default_branch": "main",
        }}),
    )
}

#[test]
fn a_repository_that_follows_head_is_concerned_by_the_default_branch_alone() {
    assert!(pushed("refs/heads/main").is("refs/heads/main", None));
    assert!(!pushed("refs/heads/other").is("refs/heads/other", None));
    assert!(!pushed("refs/tags/main").is("refs/tags/main", None));
}

#[test]
fn where_the_default_branch_is_unknown_every_branch_may_be_it() {
    let push =
        push(HookHost::GitHub, "push", &json!({ "ref": "refs/heads/a", "repository": { "default_branch": null } }));
    assert!(push.is("refs/heads/a", None) && push.is("refs/heads/a", Some("HEAD")));
    assert!(!push.is("refs/tags/a", None));
}

#[test]
fn a_ref_is_followed_by_its_name_however_short() {
    let push = pushed("refs/heads/v1");
    for reference in ["v1", "heads/v1", "refs/heads/v1"] {
        assert!(push.is("refs/heads/v1", Some(reference)), "{reference}");
    }
    assert!(push.is("refs/tags/v1", Some("v1")));
    assert!(!push.is("refs/tags/v1", Some("refs/heads/v1")));
    assert!(!push.is("refs/heads/main", Some("v1")));
}

#[test]
fn a_deletion_is_reported_in_words_in_zeros_or_by_nothing_new() {
    let zeros = "0".repeat(40);
    let cloud = json!({ "push": { "changes": [{ "old": { "type": "branch", "name": "a" }, "new": null }] } });
    let server = json!({ "changes": [{ "ref": { "id": "refs/heads/a" }, "toHash": zeros, "type": "DELETE" }] });
    for (host, event, body) in [
        (HookHost::GitHub, "push", json!({ "ref": "refs/heads/a", "deleted": true })),
        (HookHost::GitLab, "Push Hook", json!({ "ref": "refs/heads/a", "after": zeros, "checkout_sha": null })),
        (HookHost::Bitbucket, "repo:push", cloud),
        (HookHost::Bitbucket, "repo:refs_changed", server),
    ] {
        assert!(push(host, event, &body).only_deletes(), "{body}");
    }
    assert!(!pushed("refs/heads/main").only_deletes());
    assert!(!push(HookHost::GitHub, "push", &json!({ "ref": "refs/heads/a", "deleted": null })).only_deletes());
}

#[test]
fn a_push_is_read_as_each_host_reports_it() {
    let gitlab = json!({ "object_kind": "push", "ref": "refs/heads/main", "after": "1f", "project": {
        "git_http_url": "https://git.example.com/team/app.git", "git_ssh_url": "git@git.example.com:team/app.git",
        "web_url": "https://git.example.com/team/app", "default_branch": "main",
    }, "repository": { "name": "app", "url": "git@git.example.com:team/app.git" }});
    let several = json!({ "event_name": "repository_update", "refs": ["refs/heads/main"], "changes": [
        { "before": "1e", "after": "1f", "ref": "refs/heads/main" },
    ], "project": gitlab["project"] });
    let cloud = json!({ "push": { "changes": [
        { "old": null, "new": { "type": "branch", "name": "main" } }, { "new": { "type": "tag", "name": "v1" } },
    ] }, "repository": { "links": { "html": { "href": "https://git.example.com/Team/app" } } } });
    let server = json!({ "eventKey": "repo:refs_changed", "changes": [
        { "ref": { "id": "refs/heads/main", "type": "BRANCH" }, "refId": "refs/heads/main", "type": "UPDATE" },
    ], "repository": { "slug": "app", "project": { "key": "TEAM" } } });
    let mut linked = server.clone();
    linked["repository"]["links"] =
        json!({ "clone": [{ "href": "https://git.example.com/scm/team/app.git", "name": "http" }] });
    let github = json!({ "ref": "refs/heads/main", "head_commit": null, "repository": {
        "ssh_url": "git@git.example.com:team/app.git", "default_branch": "main",
    } });
    let scm = "https://git.example.com/scm/TEAM/app.git";
    for (host, event, body) in [
        (HookHost::GitHub, "push", &github),
        (HookHost::Gitea, "push", &github),
        (HookHost::Gogs, "push", &github),
        (HookHost::GitLab, "Push Hook", &gitlab),
        (HookHost::GitLab, "System Hook", &gitlab),
        (HookHost::GitLab, "System Hook", &several),
        (HookHost::Bitbucket, "repo:push", &cloud),
        (HookHost::Bitbucket, "repo:refs_changed", &server),
        (HookHost::Bitbucket, "repo:refs_changed", &linked),
    ] {
        let push = push(host, event, body);
        let concerns =
            |url, reference| push.moved_ref(reference) && push.locations.contain(&location(url, locate).unwrap());
        assert!(concerns(scm, None) && concerns("git@git.example.com:team/app", Some("main")), "{body}");
        assert!(!concerns("https://git.example.com/team/other", None), "{body}");
        assert!(!concerns("https://git.example.com/team/app", Some("v2")), "{body}");
    }
}

#[test]
fn a_rename_concerns_the_location_before_and_the_location_after() {
    let urls = json!({ "html_url": "https://git.example.com/team/new" });
    let renamed =
        json!({ "action": "renamed", "changes": { "repository": { "name": { "from": "App" } } }, "repository": urls });
    let given = json!({ "action": "transferred", "changes": { "owner": { "from": { "user": { "login": "me" } } } },
        "repository": urls });
    let cloud = json!({ "changes": { "full_name": { "old": "team/app", "new": "team/new" } },
        "repository": { "links": { "html": { "href": "https://git.example.com/team/new" } } } });
    let gitlab = json!({ "event_name": "project_rename", "path_with_namespace": "team/new",
        "old_path_with_namespace": "Team/app" });
    for (host, event, body, before) in [
        (HookHost::GitHub, "repository", &renamed, "https://git.example.com/team/app"),
        (HookHost::GitHub, "repository", &given, "https://git.example.com/me/new"),
        (HookHost::Bitbucket, "repo:updated", &cloud, "https://git.example.com/team/app"),
        (HookHost::GitLab, "System Hook", &gitlab, "https://git.example.com/team/app"),
    ] {
        let change = change(host, event, body);
        let contain = |url| change.locations.contain(&location(url, locate).unwrap());
        for there in [before, "git@git.example.com:team/new.git"] {
            assert!(contain(there), "{there}: {change:?}");
        }
        assert!(!contain("https://git.example.com/team/other"));
    }
}

#[test]
fn what_is_no_push_is_refused_with_its_true_cause() {
    let said = |body: &[u8]| Event::read(HookHost::GitHub, "push", body, locate).unwrap_err();
    for (body, word) in [
        (&b"payload=%7B%7D"[..], "a form"),
        (b"{\"ref\": \"refs/he", "EOF while parsing"),
        (b"", "EOF while parsing"),
        (b"<html>", "expected value at line 1"),
        (b"{\"ref\": 7}", "invalid type: integer `7`"),
        (b"{}", "names no ref"),
    ] {
        let said = said(body);
        assert!(said.contains(word) && said.contains("application/json"), "{said}");
    }
}

#[test]
fn events_that_are_of_no_interest_are_not_read() {
    for (host, event) in [
        (HookHost::GitHub, "issues"),
        (HookHost::GitLab, "Pipeline Hook"),
        (HookHost::Bitbucket, "pr:opened"),
        (HookHost::Gogs, ""),
    ] {
        assert!(matches!(Event::read(host, event, b"no JSON", locate).unwrap(), Event::Ignored), "{event}");
    }
    let created = json!({ "event_name": "user_create", "name": "x" });
    assert!(matches!(read(HookHost::GitLab, "System Hook", &created), Event::Ignored));
}
