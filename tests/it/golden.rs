//! The real model, once: a repository is warmed and searched by meaning.

use warmer_tests::{GIT, Need, Repo, Warmer, needs};

const FILES: &[(&str, &str)] = &[
    (
        "src/retry.rs",
        "/// Waits longer after every failure, with some randomness.\npub fn backoff(attempt: u32) -> Duration {\n    \
         let base = Duration::from_millis(100) * 2u32.pow(attempt);\n\
         \x20   base.mul_f64(rand::random_range(0.5..1.5))\n}\n",
    ),
    (
        "src/password.py",
        "def hash_password(plain, salt):\n    \"\"\"Derives a key that is slow to guess.\"\"\"\n    \
         return hashlib.scrypt(plain.encode(), salt=salt, n=16384, r=8, p=1)\n",
    ),
    (
        "web/cart.js",
        "// Adds up the prices of everything in the shopping cart.\nexport function total(cart) {\n  \
         return cart.items.reduce((sum, item) => sum + item.price * item.quantity, 0);\n}\n",
    ),
    ("docs/install.md", "# Installation\n\nDownload the archive for your system and put the program on the PATH.\n"),
];

#[test]
fn code_is_found_by_its_meaning() {
    needs!(GIT, Need::Runtime, Need::Model);
    let (mut repo, warmer) = (Repo::new(), Warmer::real());
    for (path, text) in FILES {
        repo.write(path, text);
    }
    repo.commit("a little of everything");
    let warmed = warmer.warm([repo.path()]);
    warmed.ran.exits(0);
    assert_eq!((warmed.one().files("indexed"), warmed.one().embedded()), (4, warmed.one().chunks()));
    for (question, path) in [
        ("exponential delay between retries with jitter", "src/retry.rs"),
        ("store credentials safely", "src/password.py"),
        ("how much does the customer have to pay", "web/cart.js"),
        ("how do I set it up on my computer", "docs/install.md"),
    ] {
        let found = warmer.run(["search", question, "--json", "--limit", "2"]).exits(0).json();
        assert_eq!(found["hits"][0]["path"], path, "{question}: {found}");
    }
}
