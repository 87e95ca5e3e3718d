#pragma once
// The schema, as the steps by which a file of each earlier version becomes one of the newest.
// A released step is never edited: the next change is a new step and a fixture in schema_test.cpp.

#include <array>
#include <string_view>

#include "adapters/store/database.hpp"

namespace lobo::adapters::store {

/// "LOBO" in the file header: tells our files from other people's SQLite databases.
inline constexpr int application_id = 0x4C4F424F;

/// Step n makes version n + 1 out of version n; version 0 is an empty file.
///
/// Rows that carry a document stay in rowid tables, because SQLite keeps few large rows on a page
/// of a primary-key tree; the small ones are WITHOUT ROWID, which saves one of two trees.
inline constexpr std::array<std::string_view, 2> schema_steps{
    // Version 1.
    R"sql(
CREATE TABLE schema_version (version BIGINT NOT NULL);
INSERT INTO schema_version (version) VALUES (1);
CREATE TABLE resource (
  kind TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL, subject TEXT NOT NULL,
  version BIGINT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (kind, id));
CREATE INDEX resource_by_owner ON resource (kind, owner, id);
CREATE INDEX resource_by_subject ON resource (kind, subject) WHERE subject <> '';
CREATE TABLE effect (
  id INTEGER PRIMARY KEY, from_kind TEXT NOT NULL, from_id TEXT NOT NULL, type TEXT NOT NULL,
  body TEXT NOT NULL, parked BIGINT NOT NULL, attempts BIGINT NOT NULL);
CREATE INDEX effect_by_resource ON effect (from_kind, from_id);
CREATE TABLE timer (
  kind TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, due BIGINT NOT NULL,
  PRIMARY KEY (kind, id, name)) WITHOUT ROWID;
CREATE INDEX timer_by_due ON timer (due, kind, id, name);
CREATE TABLE idempotency (
  owner TEXT NOT NULL, request_key TEXT NOT NULL, digest TEXT NOT NULL, made_kind TEXT NOT NULL,
  made_id TEXT NOT NULL, expires BIGINT NOT NULL, PRIMARY KEY (owner, request_key)) WITHOUT ROWID;
CREATE INDEX idempotency_by_expiry ON idempotency (expires);
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
)sql",
    // Version 2: the number of records of each owner is kept instead of counted.
    R"sql(
CREATE TABLE tally (
  kind TEXT NOT NULL, owner TEXT NOT NULL, records BIGINT NOT NULL,
  PRIMARY KEY (kind, owner)) WITHOUT ROWID;
INSERT INTO tally (kind, owner, records)
  SELECT kind, owner, count(*) FROM resource GROUP BY kind, owner;
UPDATE schema_version SET version = 2;
)sql",
};

inline constexpr int schema_version_newest = static_cast<int>(schema_steps.size());

/// The write lock is taken at once: found taken later, it would cost the work done until then.
namespace sql {
inline constexpr std::string_view begin = "BEGIN IMMEDIATE";
inline constexpr std::string_view commit = "COMMIT";
}  // namespace sql

/// Brings the open file to the newest version in one transaction. Refuses a file that is not ours
/// and one that a newer release wrote.
Result<void> migrate(Database& database);

}  // namespace lobo::adapters::store
