//! The part of a name that somebody can register: one label below a public suffix.
//! Only suffixes of registries count, not those that companies give out below names of their own (github.io).

/// Why a name has no registrable part: it is a public suffix itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IsSuffix;

/// The registrable part of an ASCII name in lower case.
pub(super) fn registrable(name: &str) -> Result<&str, IsSuffix> {
    let suffix = suffix(name);
    let before = name.len().checked_sub(suffix.len() + 1).map(|end| &name[..end]).filter(|before| !before.is_empty());
    let label = before.ok_or(IsSuffix)?.rsplit('.').next().unwrap_or_default();
    Ok(&name[name.len() - suffix.len() - 1 - label.len()..])
}

/// The longest part of the name that a registry's rule calls a public suffix; without a rule the last label.
fn suffix(name: &str) -> &str {
    let parts = || std::iter::successors(Some(name), |part| part.split_once('.').map(|(_, rest)| rest));
    let is_registrys = |part: &&str| {
        psl::suffix(part.as_bytes()).is_some_and(|suffix| {
            suffix.as_bytes().len() == part.len() && matches!(suffix.typ(), Some(psl::Type::Icann))
        })
    };
    parts().find(is_registrys).unwrap_or_else(|| name.rsplit('.').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_registrable_part() {
        for (name, expected) in [
            ("shop.example", Ok("shop.example")),
            ("www.shop.example", Ok("shop.example")),
            ("a.b.shop.co.uk", Ok("shop.co.uk")),
            ("shop.uk", Ok("shop.uk")),
            ("shop.github.io", Ok("github.io")),
            ("github.io", Ok("github.io")),
            ("www.ck", Ok("www.ck")),
            ("a.b.c.ck", Ok("b.c.ck")),
            ("xn--bcher-kva.de", Ok("xn--bcher-kva.de")),
            ("co.uk", Err(IsSuffix)),
            ("com", Err(IsSuffix)),
            ("example", Err(IsSuffix)),
            ("anything.ck", Err(IsSuffix)),
        ] {
            assert_eq!(registrable(name), expected, "{name}");
        }
    }
}
