#include "catalog/sqlite.h"

#include <sqlite3.h>

#include <cstring>

#include "engine/error.h"

namespace cube {

std::string sqlite_version() { return sqlite3_libversion(); }

void Database::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

void Statement::Finalize::operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }

Database::Database(const std::filesystem::path& file, Mode mode)
    : file_(file.string()), mode_(mode) {
  const int flags =
      mode == Mode::kRead ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* handle = nullptr;
  const char* vfs = mode == Mode::kRead ? nullptr : "unix-none";
  const int code = sqlite3_open_v2(file_.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, vfs);
  handle_.reset(handle);
  if (code != SQLITE_OK) fail();
  constexpr int kPatience = 5000;  // milliseconds, while another program writes
  sqlite3_busy_timeout(handle, kPatience);
  distrust();
}

// A catalog may come from anybody: its schema has views and triggers run nothing, functions nothing
// but what is harmless, and no value is larger than memory bears. What we write ourselves has
// triggers, those of others are dropped (see CatalogEditor), and its R*Tree is made table by table.
// As https://www.sqlite.org/security.html advises.
void Database::distrust() {
  constexpr int kMostBytes = 256 << 20;  // of a value
  sqlite3_limit(handle(), SQLITE_LIMIT_LENGTH, kMostBytes);
  sqlite3_db_config(handle(), SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  if (mode_ != Mode::kRead) return;
  sqlite3_db_config(handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
}

void Database::execute(const std::string& sql) {
  if (sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail();
}

bool Database::has_table(std::string_view name) {
  Statement statement(*this, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?");
  return statement.bind(name).step();
}

std::int64_t Database::last_row_id() const { return sqlite3_last_insert_rowid(handle()); }

bool Database::is_damaged() const {
  const int code = handle_ ? sqlite3_errcode(handle()) : SQLITE_NOMEM;
  return code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_ERROR;
}

void Database::fail() const {
  const int code = handle_ ? sqlite3_errcode(handle()) : SQLITE_NOMEM;
  std::string reason = handle_ ? sqlite3_errmsg(handle()) : "out of memory";
  const int system = handle_ ? sqlite3_system_errno(handle()) : 0;
  const bool io = code == SQLITE_IOERR || code == SQLITE_CANTOPEN || code == SQLITE_FULL;
  if (io && system != 0) reason += std::string(": ") + std::strerror(system);
  throw Error(mode_ == Mode::kRead ? ErrorCode::kUnreadable : ErrorCode::kUnwritable,
              "SQLite: " + reason, file_,
              code == SQLITE_BUSY ? "another program is writing it; try again later" : "");
}

Statement::Statement(const Database& database, std::string_view sql) : database_(&database) {
  sqlite3_stmt* handle = nullptr;
  check(sqlite3_prepare_v2(database.handle(), sql.data(), static_cast<int>(sql.size()), &handle,
                           nullptr));
  handle_.reset(handle);
}

Statement& Statement::bind(std::int64_t value) {
  check(sqlite3_bind_int64(handle_.get(), next_++, value));
  return *this;
}

Statement& Statement::bind(double value) {
  check(sqlite3_bind_double(handle_.get(), next_++, value));
  return *this;
}

Statement& Statement::bind(std::string_view value) {
  check(sqlite3_bind_text(handle_.get(), next_++, value.data(), static_cast<int>(value.size()),
                          SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::bind_view(std::string_view value) {
  check(sqlite3_bind_text(handle_.get(), next_++, value.data(), static_cast<int>(value.size()),
                          SQLITE_STATIC));
  return *this;
}

Statement& Statement::bind_blob(std::string_view bytes) {
  check(sqlite3_bind_blob64(handle_.get(), next_++, bytes.data(), bytes.size(), SQLITE_STATIC));
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(handle_.get());
  if (code != SQLITE_ROW && code != SQLITE_DONE) database_->fail();
  return code == SQLITE_ROW;
}

void Statement::run() {
  while (step()) {
  }
  reset();
}

bool Statement::try_run() {
  const int code = sqlite3_step(handle_.get());
  if (code != SQLITE_DONE && (code & 0xff) != SQLITE_CONSTRAINT) database_->fail();
  sqlite3_reset(handle_.get());  // repeats the code
  next_ = 1;
  return code == SQLITE_DONE;
}

Statement& Statement::reset() {
  check(sqlite3_reset(handle_.get()));
  next_ = 1;
  return *this;
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_.get(), column);
}

double Statement::real(int column) const { return sqlite3_column_double(handle_.get(), column); }

std::string Statement::text(int column) const {
  const unsigned char* text = sqlite3_column_text(handle_.get(), column);
  return text ? reinterpret_cast<const char*>(text) : std::string();
}

std::string_view Statement::text_view(int column) const {
  const unsigned char* text = sqlite3_column_text(handle_.get(), column);
  const auto length = static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column));
  return text ? std::string_view(reinterpret_cast<const char*>(text), length) : "";
}

void Statement::check(int code) const {
  if (code != SQLITE_OK) database_->fail();
}

}  // namespace cube
