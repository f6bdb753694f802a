#include "engine/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>

#include "engine/error.h"
#include "engine/stopwatch.h"
#include "engine/text.h"

extern char** environ;

namespace cube {

namespace {

constexpr std::size_t kErrorBytes = 2000;  // of standard error that are kept
constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr int kTickMilliseconds = 50;
constexpr int kSignalStatus = 128;  // a shell's status for a program that a signal ended, less that

// A file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }

  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }
  void close() {
    if (is_open()) ::close(std::exchange(number_, -1));
  }

 private:
  int number_;
};

Error system_error(const std::string& what) {
  return Error(ErrorCode::kInternal, what + ": " + std::strerror(errno));
}

struct Pipe {
  Descriptor read;
  Descriptor write;
};

// Above the standard streams, so that putting one of them in place never closes another.
Descriptor moved_up(Descriptor end) {
  if (end.number() > STDERR_FILENO) return end;
  Descriptor higher(fcntl(end.number(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!higher.is_open()) throw system_error("cannot make a pipe");
  return higher;
}

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw system_error("cannot make a pipe");
  Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  return {moved_up(std::move(pipe.read)), moved_up(std::move(pipe.write))};
}

void set_unblocking(const Descriptor& end) {
  if (fcntl(end.number(), F_SETFL, O_NONBLOCK) != 0) throw system_error("cannot set up a pipe");
}

// While it lives, writing into a pipe that nobody reads is an error on this thread and no signal.
class NoPipeSignal {
 public:
  NoPipeSignal() {
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoPipeSignal() {
    const timespec at_once{};
    if (!was_pending_) {
      while (sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) continue;
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

// How a child is to be started; both wrap what posix_spawn takes.
class SpawnFiles {
 public:
  SpawnFiles() { posix_spawn_file_actions_init(&actions_); }
  ~SpawnFiles() { posix_spawn_file_actions_destroy(&actions_); }
  SpawnFiles(const SpawnFiles&) = delete;
  SpawnFiles& operator=(const SpawnFiles&) = delete;

  void put(const Descriptor& end, int number) {
    posix_spawn_file_actions_adddup2(&actions_, end.number(), number);
  }
  void close_others() { posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1); }
  void enter(const std::string& folder) {
    posix_spawn_file_actions_addchdir_np(&actions_, folder.c_str());
  }
  const posix_spawn_file_actions_t* data() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

class SpawnAttributes {
 public:
  SpawnAttributes() {
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigemptyset(&none);
    sigset_t pipe = none;
    sigaddset(&pipe, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &pipe);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnAttributes() { posix_spawnattr_destroy(&attributes_); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  const posix_spawnattr_t* data() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

pid_t spawn(const Command& command, const Descriptor& in, const Descriptor& out,
            const Descriptor& errors) {
  SpawnFiles files;
  files.put(in, STDIN_FILENO);
  files.put(out, STDOUT_FILENO);
  files.put(errors, STDERR_FILENO);
  files.close_others();
  if (!command.folder.empty()) files.enter(command.folder);
  const SpawnAttributes attributes;
  std::vector<std::string> arguments = command.arguments;
  std::vector<std::string> environment = command.environment;
  for (char** entry = environ; entry && *entry; ++entry) environment.emplace_back(*entry);
  pid_t id = 0;
  errno = posix_spawnp(&id, arguments[0].c_str(), files.data(), attributes.data(),
                       pointers(arguments).data(), pointers(environment).data());
  if (errno != 0) throw system_error(command_text(command) + " cannot be started");
  return id;
}

// A started process and all that it starts.
class Child {
 public:
  explicit Child(pid_t id) : id_(id) {}
  ~Child() {
    kill(-id_, SIGKILL);  // the group keeps its number until its leader is waited for
    siginfo_t ended{};
    while (waitid(P_PID, static_cast<id_t>(id_), &ended, WEXITED) != 0 && errno == EINTR) continue;
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool has_ended() {
    ended_ = {};
    const int told = waitid(P_PID, static_cast<id_t>(id_), &ended_, WEXITED | WNOHANG | WNOWAIT);
    return (told != 0 && errno != EINTR) || ended_.si_pid != 0;
  }

  // "" when it went well. REQUIRES: has_ended().
  std::string failure(bool of_shell) const {
    if (ended_.si_pid == 0) return "ended in a way that cannot be told";
    if (ended_.si_code != CLD_EXITED) {
      return "was ended by signal " + std::to_string(ended_.si_status) + " (" +
             strsignal(ended_.si_status) + ")";
    }
    if (ended_.si_status == 0) return "";
    std::string how = "ended with status " + std::to_string(ended_.si_status);
    const int signal = ended_.si_status - kSignalStatus;
    if (of_shell && signal > 0 && signal < NSIG) {
      how += " (what the shell says of a program that signal " + std::to_string(signal) + ", " +
             strsignal(signal) + ", ended)";
    }
    return how;
  }

 private:
  pid_t id_;
  siginfo_t ended_{};
};

// The last of what a child says.
class Tail {
 public:
  void add(std::span<const std::byte> bytes) {
    text_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text_.size() > kErrorBytes) text_.erase(0, text_.size() - kErrorBytes);
  }

  // As the end of a message, without control characters.
  std::string text() const {
    std::string text = text_;
    for (char& c : text) {
      const auto code = static_cast<unsigned char>(c);
      if ((code < 0x20 && c != '\n' && c != '\t') || code == 0x7f) c = ' ';
    }
    text.erase(text.find_last_not_of(" \n\t") + 1);
    return text.empty() ? "; it wrote nothing to standard error"
                        : "; it wrote to standard error:\n" + text;
  }

 private:
  std::string text_;
};

// One child from start to end.
class Talk {
 public:
  Talk(const Command& command, ChildStreams& streams, const std::function<bool()>& cancelled)
      : command_(command), streams_(streams), cancelled_(cancelled), piece_(kReadBytes) {
    Pipe in = make_pipe();
    Pipe out = make_pipe();
    Pipe errors = make_pipe();
    child_.emplace(spawn(command, in.read, out.write, errors.write));
    in_ = std::move(in.write);
    out_ = std::move(out.read);
    errors_ = std::move(errors.read);
    for (const Descriptor* end : {&in_, &out_, &errors_}) set_unblocking(*end);
  }

  std::string run() {
    // What is left behind in the background may hold the streams open; it is not waited for.
    while (!child_->has_ended()) exchange();
    drain();
    const std::string failure = child_->failure(!command_.line.empty());
    if (!failure.empty()) throw failed(" " + failure);
    return tail_.text();
  }

 private:
  Error failed(const std::string& how) const {
    return Error(ErrorCode::kInternal, command_text(command_) + how + tail_.text());
  }

  void exchange() {
    std::array<pollfd, 3> ends = {
        {{in_.number(), POLLOUT, 0}, {out_.number(), POLLIN, 0}, {errors_.number(), POLLIN, 0}}};
    if (!out_.is_open() && !errors_.is_open()) {  // it is about to end
      in_.close();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    } else if (poll(ends.data(), ends.size(), kTickMilliseconds) > 0) {
      if (ends[0].revents != 0) write();
      if (ends[1].revents != 0) read(out_, [&](auto bytes) { pass_on(bytes); });
      if (ends[2].revents != 0) read(errors_, [&](auto bytes) { tail_.add(bytes); });
    }
    if (cancelled_ && cancelled_()) throw Error(ErrorCode::kCancelled, "stopped");
    if (command_.timeout > 0 && start_.seconds() > command_.timeout) {
      drain_errors();
      throw failed(" took more than " + number_text(command_.timeout) +
                   " s (timeout) and was stopped");
    }
  }

  void write() {
    if (left_.empty()) left_ = streams_.input();
    if (left_.empty()) return in_.close();
    const NoPipeSignal quiet;
    const ssize_t written = ::write(in_.number(), left_.data(), left_.size());
    if (written >= 0) {
      left_ = left_.subspan(static_cast<std::size_t>(written));
    } else if (errno != EAGAIN && errno != EINTR) {
      in_.close();  // it wants no more
    }
  }

  // False when there is nothing to read for now, or ever.
  template <class Use>
  bool read(Descriptor& end, const Use& use) {
    const ssize_t got = end.is_open() ? ::read(end.number(), piece_.data(), piece_.size()) : 0;
    if (got < 0) return errno == EINTR;
    if (got == 0) end.close();
    if (got > 0) use(std::span<const std::byte>(piece_).first(static_cast<std::size_t>(got)));
    return got > 0;
  }

  void pass_on(std::span<const std::byte> bytes) {
    try {
      streams_.output(bytes);
    } catch (const Error& error) {
      drain_errors();
      throw failed(": " + error.message());
    }
  }

  // What is there, and no more than pipes hold: somebody may go on writing.
  void drain_errors() {
    constexpr int kPieces = 32;
    for (int i = 0; i < kPieces && read(errors_, [&](auto bytes) { tail_.add(bytes); });) ++i;
  }
  void drain() {
    while (read(out_, [&](auto bytes) { pass_on(bytes); })) continue;
    drain_errors();
  }

  const Command& command_;
  ChildStreams& streams_;
  const std::function<bool()>& cancelled_;
  const Stopwatch start_;
  Descriptor in_;
  Descriptor out_;
  Descriptor errors_;
  std::optional<Child> child_;
  std::span<const std::byte> left_;  // of the input
  std::vector<std::byte> piece_;
  Tail tail_;
};

bool can_run(const std::filesystem::path& file) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(file, ignored) && access(file.c_str(), X_OK) == 0;
}

// The program that a line for the shell begins with; "" where that is not plain.
std::string first_program(const std::string& line) {
  // What the shell does itself, and words of its language.
  static constexpr std::array<std::string_view, 43> kOwn = {
      ".",        "alias",  "bg",    "break", "case",   "cd",    "command", "continue", "do",
      "echo",     "eval",   "exec",  "exit",  "export", "false", "fc",      "fg",       "for",
      "getopts",  "hash",   "if",    "jobs",  "kill",   "local", "printf",  "pwd",      "read",
      "readonly", "return", "set",   "shift", "test",   "times", "trap",    "true",     "type",
      "ulimit",   "umask",  "until", "while", "unset",  "wait",  "unalias"};
  const std::size_t begin = line.find_first_not_of(" \t\n");
  if (begin == std::string::npos) return "";
  const std::size_t end = std::min(line.find_first_of(" \t\n;|&<>", begin), line.size());
  const std::string word = line.substr(begin, end - begin);
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./";
  const bool plain = word.find_first_not_of(kPlain) == std::string::npos;
  const bool own = std::find(kOwn.begin(), kOwn.end(), word) != kOwn.end();
  return plain && !own ? word : "";
}

// ["a", "b", "two words"]: the first of them, which holds spaces, taken apart.
std::string list_of_words(const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  for (std::string& word : split(arguments[0], ' ')) {
    if (!word.empty()) words.push_back(std::move(word));
  }
  words.insert(words.end(), arguments.begin() + 1, arguments.end());
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "[\"" : ", \"") + word + "\"";
  return out + "]";
}

}  // namespace

std::string run_child(const Command& command, ChildStreams& streams,
                      const std::function<bool()>& cancelled) {
  return Talk(command, streams, cancelled).run();
}

std::string command_text(const Command& command) {
  constexpr std::size_t kMost = 200;
  std::string text = command.line.empty() ? join(command.arguments, " ") : command.line;
  if (text.size() > kMost) text.replace(kMost, std::string::npos, "...");
  return "the command '" + text + "'";
}

void check_program(const Command& command, const std::string& where) {
  const std::string program =
      command.line.empty() ? command.arguments.at(0) : first_program(command.line);
  const bool is_path = program.find('/') != std::string::npos;
  const char* listed = std::getenv("PATH");
  const std::vector<std::string> folders =
      is_path ? std::vector<std::string>{command.folder} : split(listed ? listed : "", ':');
  if (program.empty() || std::any_of(folders.begin(), folders.end(), [&](const auto& folder) {
        return can_run(std::filesystem::path(folder) / program);
      })) {
    return;
  }
  std::string hint =
      is_path ? "relative names start from \"directory\"" : "it is in no folder of PATH";
  if (program.find(' ') != std::string::npos) {
    hint = "in a list each argument stands alone: " + list_of_words(command.arguments);
  }
  throw Error(ErrorCode::kNotFound, "there is no program '" + program + "' that can be run", where,
              hint);
}

}  // namespace cube
