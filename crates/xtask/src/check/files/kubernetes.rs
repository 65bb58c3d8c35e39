//! config/kubernetes: each resource against the schemas of Kubernetes, as it stands and as Kustomize puts it together.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::validators::Validators;
use super::verdict::{ask, counted};
use crate::check::counts::Counts;
use crate::check::missing::not_installable;
use crate::workspace;

const PLACE: &str = "config/kubernetes";
/// What `kubectl kustomize` is asked for.
const KUSTOMIZATIONS: [&str; 3] = ["base", "overlays/hpa", "overlays/keda"];
/// The oldest that is held to, in which all that is used is stable, and the newest that the validator knows.
const VERSIONS: [&str; 2] = ["1.29", "1.37"];
const KEDA_SCHEMA: &str = "crates/xtask/src/check/files/keda.schema.json";

pub(super) fn check(validators: &Validators) -> Counts {
    let files = counted("Kubernetes", "kubernetes-validate --strict", || each_file(validators));
    if !has_kubectl() {
        return files + not_installable("kubectl with Kustomize 5");
    }
    files + counted("Kustomize", "kubectl kustomize", || as_put_together(validators))
}

fn each_file(validators: &Validators) -> Result<()> {
    for file in resources(&workspace::root().join(PLACE))? {
        let text = fs::read_to_string(&file)?;
        let name = file.display();
        if text.contains("apiVersion: keda.sh/") {
            let mut command = validators.command("check_jsonschema");
            command.arg("--schemafile").arg(workspace::root().join(KEDA_SCHEMA)).arg(&file);
            let verdict = ask(&mut command, "")?;
            ensure!(verdict.good, "{name}:\n{}", verdict.said);
        } else {
            is_right(validators, &text).with_context(|| name.to_string())?;
        }
    }
    let deployment = fs::read_to_string(workspace::root().join(PLACE).join("base/deployment.yaml"))?;
    let misspelt = deployment.replacen("livenessProbe:", "livenesProbe:", 1);
    ensure!(misspelt != deployment, "the Deployment has no `livenessProbe` to misspell");
    ensure!(is_right(validators, &misspelt).is_err(), "a misspelt `livenesProbe` is not refused");
    Ok(())
}

fn as_put_together(validators: &Validators) -> Result<()> {
    for name in KUSTOMIZATIONS {
        let verdict = ask(kubectl().arg("kustomize").arg(workspace::root().join(PLACE).join(name)), "")?;
        ensure!(verdict.good, "{PLACE}/{name}:\n{}", verdict.said);
        is_right(validators, &verdict.printed).with_context(|| format!("{PLACE}/{name}"))?;
        // Kustomize makes the name end in the digest wherever it stands; the annotation is one of the places.
        ensure!(
            verdict.printed.contains("configuration: warmer-configuration-"),
            "{PLACE}/{name}: the pods' annotation `configuration` has no digest"
        );
    }
    Ok(())
}

/// Every resource of a text passes the schemas of all versions, those of KEDA left out, for which Kubernetes has none.
fn is_right(validators: &Validators, text: &str) -> Result<()> {
    for version in VERSIONS {
        let mut command = validators.command("kubernetes_validate");
        let verdict = ask(command.args(["--strict", "--kubernetes-version", version, "-"]), text)?;
        let unknown = |line: &str| line.starts_with("WARN") && !line.contains("keda.sh/");
        let all_known = !verdict.said.lines().any(unknown);
        ensure!(verdict.good && all_known, "{}", verdict.said);
    }
    Ok(())
}

/// The files below a directory that hold resources, and not what Kustomize or another program reads.
fn resources(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = vec![];
    for entry in fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(resources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            let text = fs::read_to_string(&path)?;
            let is_resource = text.contains("\nkind:") && !text.contains("kustomize.config.k8s.io");
            found.extend(is_resource.then_some(path));
        }
    }
    Ok(found)
}

fn kubectl() -> Command {
    Command::new("kubectl")
}

/// Whether there is a kubectl that says which Kustomize is in it; older ones have one that cannot read these files.
fn has_kubectl() -> bool {
    let output = kubectl().args(["version", "--client"]).stdin(Stdio::null()).stderr(Stdio::null()).output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("Kustomize Version: v5"))
}
