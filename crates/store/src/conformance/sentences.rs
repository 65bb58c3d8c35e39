//! A test of each sentence of the suite, for one database.

macro_rules! sentences {
    ($open:path; $($subject:ident: $($sentence:ident)*;)*) => {$(
        mod $subject {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $sentence() {
                    let Some(bench) = $open().await else { return };
                    $crate::conformance::$subject::$sentence(&bench).await;
                }
            )*
        }
    )*};
}
pub(crate) use sentences;
