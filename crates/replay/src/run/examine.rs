//! What `earnest-oracle` itself makes of the evidence and of the proofs: as anybody can run it, who was not there.

use std::ffi::OsStr;

use anyhow::Context as _;
use protocol::owner::EscrowView;

use super::collect::hex;
use super::director::Director;
use super::said::Said;
use crate::checks;
use crate::record::Check;

impl Director<'_> {
    /// What the oracles' own audit says of the evidence of each that attested, as anybody can run it.
    pub(super) async fn audits(&self, said: &[Said]) -> anyhow::Result<Vec<Check>> {
        let mut audits = Vec::new();
        for said in said.iter().filter(|said| said.attests() || said.heard.is_some()) {
            let Some(bundle) = &said.published.bundle else { continue };
            let path = self.world.folder.join(format!("evidence-{}.json", said.published.oracle));
            crate::files::write(&path, bundle)?;
            let (holds, why) = oracle_command(&["audit".as_ref(), path.as_os_str()]).await?;
            let whose = (self.scenario.cast.oracles() > 1).then_some(said.published.oracle.as_str());
            audits.push(checks::audit(whose, holds, &why));
        }
        Ok(audits)
    }

    /// What whoever is shown them makes of the proofs that nodes keep of oracles which contradicted themselves.
    pub(super) async fn proofs(&self, view: &EscrowView, said: &[Said]) -> anyhow::Result<Vec<Check>> {
        let mut proofs = Vec::new();
        for (place, said) in said.iter().enumerate() {
            let Some(alarm) = &said.alarm else { continue };
            let path = self.world.folder.join(format!("contradiction-{}.json", said.published.oracle));
            crate::files::write(&path, &serde_json::to_vec(alarm)?)?;
            let announcement = view.announcements.get(place).map(hex).unwrap_or_default();
            let (holds, why) =
                oracle_command(&["prove".as_ref(), path.as_os_str(), announcement.as_ref()]).await?;
            proofs.push(checks::proof(&said.published.oracle, holds, &why));
        }
        Ok(proofs)
    }
}

/// Runs `earnest-oracle` and tells whether it found all well, and what it said of it.
async fn oracle_command(arguments: &[&OsStr]) -> anyhow::Result<(bool, String)> {
    let mut command = tokio::process::Command::new(testbed::binary("earnest-oracle")?);
    let output = command.args(arguments).kill_on_drop(true).output().await.context("earnest-oracle")?;
    Ok((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}
