// SQLite: the database and its statements, as objects that close themselves.
// Thread rule: a Database and its statements belong to one thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace cube {

// Of the library, "3.40.1".
std::string sqlite_version();

class Database {
 public:
  // kCreate: a file that nobody else has. SQLite does not lock it, as it would be in the way of our
  // own lock where both are the same to the file system (NFS).
  enum class Mode { kRead, kCreate };

  // Throws Error(kUnreadable) or, for kCreate, Error(kUnwritable), naming the file.
  Database(const std::filesystem::path& file, Mode mode);

  // Runs statements that give no rows.
  void execute(const std::string& sql);
  bool has_table(std::string_view name);
  std::int64_t last_row_id() const;

  // Whether the last error was about what is in the file.
  bool is_damaged() const;

  // Throws the last error of the connection.
  [[noreturn]] void fail() const;
  sqlite3* handle() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  void distrust();

  std::string file_;
  Mode mode_;
  std::unique_ptr<sqlite3, Close> handle_;
};

// A prepared statement. bind() gives its parameters in order; columns are counted from 0.
// REQUIRES: the database outlives it.
class Statement {
 public:
  Statement(const Database& database, std::string_view sql);

  Statement& bind(std::int64_t value);
  Statement& bind(double value);
  Statement& bind(std::string_view value);
  // Without a copy. REQUIRES: the text lives until run() or the next bind of the parameter.
  Statement& bind_view(std::string_view value);
  Statement& bind_blob(std::string_view bytes);  // as bind_view()

  // The next row; false when there is none.
  bool step();
  // Runs a statement that gives no rows and makes it ready for the next values.
  void run();
  // The same; false where a constraint, such as a primary key, forbids the row.
  bool try_run();
  // Makes a query ready for the next values.
  Statement& reset();

  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;            // "" when null
  std::string_view text_view(int column) const;  // the same; good until the next row

 private:
  void check(int code) const;

  struct Finalize {
    void operator()(sqlite3_stmt* handle) const;
  };
  const Database* database_;
  int next_ = 1;  // the parameter that the next bind() gives
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

}  // namespace cube
