//! The orders in their database: SQLite or PostgreSQL, by its URL.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sqlx::{AnyPool, FromRow, any::AnyPoolOptions, migrate::Migrator};
use uuid::Uuid;

static MIGRATIONS: Migrator = sqlx::migrate!();

const COLUMNS: &str = "id, item, quantity, state";

/// What a client orders.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// What.
    pub item: String,
    /// How many.
    pub quantity: i64,
}

/// An order, as clients see it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize, FromRow)]
pub struct Order {
    /// Its id, later ones greater.
    pub id: String,
    /// What was ordered.
    pub item: String,
    /// How many.
    pub quantity: i64,
    /// `accepted`, `claimed` or `fulfilled`.
    pub state: String,
}

/// The orders. Cloning it is cheap: all clones share one pool.
#[derive(Clone, Debug)]
pub struct Store(AnyPool);

impl Store {
    /// Opens a pool of at most so many connections.
    ///
    /// # Errors
    /// When the URL is none of ours, or the database does not answer within five seconds.
    pub async fn open(url: &str, connections: u32) -> Result<Self, sqlx::Error> {
        sqlx::any::install_default_drivers();
        let is_sqlite = url.starts_with("sqlite:");
        let options = AnyPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(5))
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    // Readers do not wait for the writer.
                    if is_sqlite {
                        let wal = sqlx::query("PRAGMA journal_mode = WAL");
                        wal.execute(connection).await?;
                    }
                    Ok(())
                })
            });
        Ok(Self(options.connect(url).await?))
    }

    /// Brings the schema up to date.
    ///
    /// # Errors
    /// When the database has migrations that this program does not know, or refuses one.
    pub async fn migrate(&self) -> Result<(), sqlx::migrate::MigrateError> {
        MIGRATIONS.run(&self.0).await
    }

    /// Waits until every connection is given back, and closes them.
    pub async fn close(self) {
        self.0.close().await;
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), sqlx::Error> {
        sqlx::query("SELECT 1").execute(&self.0).await.map(drop)
    }

    /// Accepts an order: once this returns, it is written.
    ///
    /// # Errors
    /// The database's.
    pub async fn accept(&self, new: NewOrder) -> Result<Order, sqlx::Error> {
        let order = Order {
            id: Uuid::now_v7().to_string(),
            item: new.item,
            quantity: new.quantity,
            state: "accepted".to_owned(),
        };
        let insert = "INSERT INTO orders (id, item, quantity, state, claimed_until, fulfilments) \
                      VALUES ($1, $2, $3, $4, 0, 0)";
        let insert = sqlx::query(insert).bind(&order.id).bind(&order.item);
        let insert = insert.bind(order.quantity).bind(&order.state);
        insert.execute(&self.0).await?;
        Ok(order)
    }

    /// The order with this id.
    ///
    /// # Errors
    /// The database's.
    pub async fn find(&self, id: &str) -> Result<Option<Order>, sqlx::Error> {
        let select = format!("SELECT {COLUMNS} FROM orders WHERE id = $1");
        let select = sqlx::query_as(sqlx::AssertSqlSafe(select)).bind(id);
        select.fetch_optional(&self.0).await
    }

    /// At most so many orders, those after this id.
    ///
    /// # Errors
    /// The database's.
    pub async fn list(&self, after: &str, limit: i64) -> Result<Vec<Order>, sqlx::Error> {
        let select = format!("SELECT {COLUMNS} FROM orders WHERE id > $1 ORDER BY id LIMIT $2");
        let select = sqlx::query_as(sqlx::AssertSqlSafe(select))
            .bind(after)
            .bind(limit);
        select.fetch_all(&self.0).await
    }

    /// Claims the oldest order that nobody works at, for so long.
    ///
    /// # Errors
    /// The database's.
    pub async fn claim(&self, lease: Duration) -> Result<Option<Order>, sqlx::Error> {
        // Two replicas may choose the same one: the second to come finds it claimed, and has none.
        let free = "(state = 'accepted' OR state = 'claimed' AND claimed_until < $2)";
        let claim = format!(
            "UPDATE orders SET state = 'claimed', claimed_until = $1 WHERE {free} AND id = \
             (SELECT id FROM orders WHERE {free} ORDER BY id LIMIT 1) RETURNING {COLUMNS}"
        );
        let now = unix_ms();
        let claim = sqlx::query_as(sqlx::AssertSqlSafe(claim));
        let claim = claim.bind(now + lease.as_millis() as i64).bind(now);
        claim.fetch_optional(&self.0).await
    }

    /// Notes that a claimed order is fulfilled.
    ///
    /// # Errors
    /// The database's.
    pub async fn fulfil(&self, id: &str) -> Result<(), sqlx::Error> {
        let update = "UPDATE orders SET state = 'fulfilled', fulfilments = fulfilments + 1 \
                      WHERE id = $1 AND state = 'claimed'";
        sqlx::query(update)
            .bind(id)
            .execute(&self.0)
            .await
            .map(drop)
    }
}

fn unix_ms() -> i64 {
    let unix = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(unix.as_millis()).unwrap_or(i64::MAX)
}
