#pragma once
// Every statement that the store runs after its schema stands, in one place. The text is the part
// of SQL that SQLite 3.40 and PostgreSQL 15 read alike: $1 placeholders, ON CONFLICT, RETURNING,
// BIGINT and TEXT only. What differs (schema, pragmas) is in schema.hpp.

#include <string_view>

namespace lobo::adapters::store::sql {

// ---- records ----------------------------------------------------------------------------------
// A record is written by the cheapest statement that can fit: a first version inserts, a later one
// updates a row of the same owner; only when that touched no row is the owner read and the general
// form used. So the store knows what each write did to the number of an owner's records.

inline constexpr std::string_view insert_record =
    "INSERT INTO resource (kind, id, owner, subject, version, state) "
    "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (kind, id) DO NOTHING";
inline constexpr std::string_view update_record =
    "UPDATE resource SET subject = $4, version = $5, state = $6 "
    "WHERE kind = $1 AND id = $2 AND owner = $3";
inline constexpr std::string_view update_record_and_owner =
    "UPDATE resource SET owner = $3, subject = $4, version = $5, state = $6 "
    "WHERE kind = $1 AND id = $2";
inline constexpr std::string_view owner_of_record =
    "SELECT owner FROM resource WHERE kind = $1 AND id = $2";
inline constexpr std::string_view erase_record =
    "DELETE FROM resource WHERE kind = $1 AND id = $2 RETURNING owner";

inline constexpr std::string_view find_record =
    "SELECT owner, subject, version, state FROM resource WHERE kind = $1 AND id = $2";
inline constexpr std::string_view list_records =
    "SELECT id, subject, version, state FROM resource "
    "WHERE kind = $1 AND owner = $2 AND id > $3 ORDER BY id LIMIT $4";
/// Written so that SQLite takes the index by subject, which is limited to subjects that are not
/// empty: it has to be told that $2 is none of those, and that the order cannot be had from the
/// primary key, or it reads every record of the kind to find the few of one subject.
inline constexpr std::string_view records_by_subject =
    "SELECT id FROM resource WHERE kind = $1 AND subject = $2 AND subject <> '' "
    "ORDER BY id || '' LIMIT $3";

// ---- how many records an owner has ------------------------------------------------------------
// Kept once per batch and owner, not once per record: counting 100,000 index entries would cost
// milliseconds at each create.

inline constexpr std::string_view add_to_tally =
    "INSERT INTO tally (kind, owner, records) VALUES ($1, $2, $3) "
    "ON CONFLICT (kind, owner) DO UPDATE SET records = tally.records + excluded.records";
inline constexpr std::string_view drop_empty_tally =
    "DELETE FROM tally WHERE kind = $1 AND owner = $2 AND records = 0";
inline constexpr std::string_view count_records =
    "SELECT records FROM tally WHERE kind = $1 AND owner = $2";

// ---- outbox -----------------------------------------------------------------------------------

inline constexpr std::string_view put_effect =
    "INSERT INTO effect (id, from_kind, from_id, type, body, parked, attempts) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET "
    "from_kind = excluded.from_kind, from_id = excluded.from_id, type = excluded.type, "
    "body = excluded.body, parked = excluded.parked, attempts = excluded.attempts";
inline constexpr std::string_view erase_effect = "DELETE FROM effect WHERE id = $1";
inline constexpr std::string_view effects_after =
    "SELECT id, from_kind, from_id, type, body, parked, attempts FROM effect "
    "WHERE id > $1 ORDER BY id LIMIT $2";
inline constexpr std::string_view effects_of =
    "SELECT id, from_kind, from_id, type, body, parked, attempts FROM effect "
    "WHERE from_kind = $1 AND from_id = $2 ORDER BY id";

// ---- timers -----------------------------------------------------------------------------------

inline constexpr std::string_view put_timer =
    "INSERT INTO timer (kind, id, name, due) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (kind, id, name) DO UPDATE SET due = excluded.due";
inline constexpr std::string_view erase_timer =
    "DELETE FROM timer WHERE kind = $1 AND id = $2 AND name = $3";
inline constexpr std::string_view erase_timers_of = "DELETE FROM timer WHERE kind = $1 AND id = $2";
inline constexpr std::string_view timers_until =
    "SELECT kind, id, name, due FROM timer WHERE due <= $1 "
    "ORDER BY due, kind, id, name LIMIT $2";

// ---- idempotency keys -------------------------------------------------------------------------

inline constexpr std::string_view put_idempotency =
    "INSERT INTO idempotency (owner, request_key, digest, made_kind, made_id, expires) "
    "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (owner, request_key) DO UPDATE SET "
    "digest = excluded.digest, made_kind = excluded.made_kind, made_id = excluded.made_id, "
    "expires = excluded.expires";
inline constexpr std::string_view erase_idempotency =
    "DELETE FROM idempotency WHERE owner = $1 AND request_key = $2";
inline constexpr std::string_view erase_idempotency_before =
    "DELETE FROM idempotency WHERE expires < $1";
inline constexpr std::string_view find_idempotency =
    "SELECT digest, made_kind, made_id, expires FROM idempotency "
    "WHERE owner = $1 AND request_key = $2";

// ---- facts ------------------------------------------------------------------------------------

inline constexpr std::string_view put_fact =
    "INSERT INTO fact (name, value) VALUES ($1, $2) "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value";
inline constexpr std::string_view find_fact = "SELECT value FROM fact WHERE name = $1";

}  // namespace lobo::adapters::store::sql
