//! Images are pinned: a tag can be moved, and what runs would change with the next pod.

use super::findings::Problems;
use super::service::CONTAINER;
use rehearse_kubernetes::PodSpec;

/// Every image is named by its digest; in a folder, the service's own may still be the name that
/// stands for it.
pub(super) fn pinned(pod: &PodSpec, rendered: bool, problems: &mut Problems<'_>) {
    for container in pod.all_containers() {
        let image = &container.image;
        let stands_in = rendered && container.name == CONTAINER && image == CONTAINER;
        if !stands_in && !has_digest(image) {
            problems.add(format_args!(
                "image = {image}: must be pinned, as NAME@sha256:…"
            ));
        }
    }
}

fn has_digest(image: &str) -> bool {
    image.split_once("@sha256:").is_some_and(|(name, digest)| {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        !name.is_empty() && digest.len() == 64 && digest.bytes().all(hex)
    })
}
