//! What the server bounds: statements that hang.

use super::pipeline;
use super::place::Place;
use crate::sql::{Base as _, Cells as _, Conn as _};
use crate::*;

#[tokio::test]
async fn a_statement_a_lock_and_an_idle_transaction_end_in_time() {
    let Some(place) = Place::new().await else { return };
    let direct = pipeline(&place).await;
    let options = PostgresOptions { lock_url: Some(place.url().to_owned()), ..PostgresOptions::default() };
    let pooled = Postgres::open(place.url(), Role::Pipeline, &options).await.unwrap();
    for store in [&direct, &pooled] {
        for (setting, limit) in
            [("statement_timeout", "1min"), ("lock_timeout", "10s"), ("idle_in_transaction_session_timeout", "1min")]
        {
            let sql = "SELECT current_setting($1) AS value, current_setting('application_name') AS name";
            let row = store.read().await.unwrap().one(sql, &[setting.into()]).await.unwrap();
            assert_eq!((row.text("value").unwrap(), row.text("name").unwrap()), (limit, "warmer:pipeline"));
        }
        let sql = "SELECT current_setting('statement_timeout') AS value";
        let row = store.scan().await.unwrap().one(sql, &[]).await.unwrap();
        assert_eq!(row.text("value").unwrap(), "0", "a search takes as long as it takes");
    }
}
