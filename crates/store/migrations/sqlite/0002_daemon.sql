-- What a daemon needs: how each repository is kept warm, jobs that are to end, and jobs that only one instance may take.

ALTER TABLE repository ADD COLUMN refresh INTEGER;                     -- microseconds; 0: adaptive; -1: calendar; null: when asked
ALTER TABLE repository ADD COLUMN calendar TEXT;                       -- a cron expression and its time zone
ALTER TABLE repository ADD COLUMN next_at INTEGER;                     -- its first moment since it was last tried
ALTER TABLE repository ADD COLUMN late_at INTEGER;                     -- and its second
ALTER TABLE repository ADD COLUMN staleness_budget INTEGER;            -- microseconds; null: what twice its refresh makes
ALTER TABLE repository ADD COLUMN rank INTEGER NOT NULL DEFAULT 0 CHECK (rank BETWEEN -100 AND 100);
ALTER TABLE repository ADD COLUMN include TEXT NOT NULL DEFAULT '[]';  -- globs, as JSON
ALTER TABLE repository ADD COLUMN exclude TEXT NOT NULL DEFAULT '[]';
ALTER TABLE repository ADD COLUMN configured INTEGER NOT NULL DEFAULT 0;
ALTER TABLE repository ADD COLUMN committed_at INTEGER;                -- the served commit's time
ALTER TABLE repository ADD COLUMN tried_at INTEGER;                    -- when an attempt last ended its job or failed
ALTER TABLE repository ADD COLUMN failures INTEGER NOT NULL DEFAULT 0; -- of those, in a row
ALTER TABLE repository ADD COLUMN failing_since INTEGER;               -- the first of the attempts in a row that failed
UPDATE repository SET tried_at = (SELECT max(served_at) FROM served WHERE served.repository = repository.id);

ALTER TABLE job ADD COLUMN cancel INTEGER NOT NULL DEFAULT 0;          -- a running one that is to end
ALTER TABLE job ADD COLUMN pinned BLOB;                                -- the only instance that may take it
CREATE INDEX job_pinned ON job (pinned) WHERE pinned IS NOT NULL;
