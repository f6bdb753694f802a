// Commands as operators: what passes through the pipes, and every way in which it can go wrong.
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "engine/child_process.h"
#include "engine/run.h"
#include "engine/stopwatch.h"
#include "graphs/document.h"
#include "tests/cells.h"
#include "tests/inline_cube.h"
#include "tests/memory_sink.h"
#include "tests/support.h"

using namespace cube;
using cube::test::error_of;
using nlohmann::json;

namespace {

class Bytes final : public ChildStreams {
 public:
  explicit Bytes(std::vector<std::byte> in = {}) : in_(std::move(in)) {}
  std::span<const std::byte> input() override {
    const auto part = std::span<const std::byte>(in_).subspan(sent_).first(
        std::min<std::size_t>(100'000, in_.size() - sent_));
    sent_ += part.size();
    return part;
  }
  void output(std::span<const std::byte> bytes) override {
    if (fails) throw Error(ErrorCode::kInternal, "no more of this");
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  std::vector<std::byte> out;
  bool fails = false;

 private:
  std::vector<std::byte> in_;
  std::size_t sent_ = 0;
};

Command shell(const std::string& line, double timeout = 20) {
  return {{"/bin/sh", "-c", line}, "", timeout, {}, line};
}

std::string said_by(const std::string& line, double timeout = 20) {
  Bytes streams;
  return error_of([&] { run_child(shell(line, timeout), streams, {}); });
}

bool pipe_signal_is_blocked() {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return sigismember(&mask, SIGPIPE) == 1;
}

Resources allowed() {
  Resources resources;
  resources.allow_exec = true;
  return resources;
}

const json& small_input() {
  static const json kInput = json::parse(
      R"({"bands": {"a": {"dtype": "uint16", "nodata": 0,
        "cells": [[[1, 2, 3], [4, null, 6]], [[7, 8, 9], [10, 11, 12]]]}}})");
  return kInput;
}

json node(const std::string& command, const json& more = json::object()) {
  json out = {{"cube_type", "stream"},
              {"command", command},
              {"bands", {"b"}},
              {"in_cube", cube::test::inline_node(small_input())}};
  out.update(more);
  return out;
}

Graph compiled(const json& document) {
  return compile(Document::parse(document.dump(), "."), cube::test::test_operators(), allowed());
}

// The failure of the one chunk that runs.
std::string failure(const json& document, const RunOptions& options = {}) {
  const Plan plan(compiled(document), {.chunk = ChunkShape{2, 2, 3}});
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(std::make_unique<cube::test::MemorySink>(plan.info()));
  const Report report = run(plan, allowed(), sinks, {}, options);
  if (report.cancelled) return "cancelled";
  CHECK(report.outputs.empty());
  return report.failures.empty() ? "none" : report.failures[0].reason;
}

constexpr const char* kShape = "shape 1 2 2 3";

}  // namespace

TEST_CASE("bytes of any kind and any number come back as they went") {
  std::vector<std::byte> sent(30'000'001);
  std::uint32_t state = 1;
  for (std::byte& byte : sent) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::byte>(state >> 24);
  }
  Bytes streams(sent);
  run_child(shell("cat"), streams, {});
  CHECK(streams.out == sent);
}

TEST_CASE("standard error that fills its pipe blocks nobody, and its end is kept") {
  Bytes streams(std::vector<std::byte>(1'000'000));
  const std::string said = run_child(
      shell("head -c 3000000 /dev/zero | tr '\\0' e >&2; cat; printf 'the\\001 end\\n' >&2"),
      streams, {});
  CHECK(streams.out.size() == 1'000'000);
  CHECK(said.starts_with("; it wrote to standard error:\neeee"));
  CHECK(said.ends_with("eeethe  end"));
  CHECK(said.size() < 2100);
}

TEST_CASE("a command that wants no input is none the worse, and no signal is raised or changed") {
  REQUIRE_FALSE(pipe_signal_is_blocked());
  Bytes streams(std::vector<std::byte>(5'000'000));
  run_child(shell("exec <&-; echo done"), streams, {});
  CHECK(streams.out.size() == 5);
  CHECK_FALSE(pipe_signal_is_blocked());
  sigset_t pending;
  sigpending(&pending);
  CHECK(sigismember(&pending, SIGPIPE) == 0);
}

TEST_CASE("the child has no signal blocked and no file of ours") {
  sigset_t held;
  sigemptyset(&held);
  sigaddset(&held, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &held, nullptr);
  const int file = dup(1);
  REQUIRE(file > 2);
  CHECK(said_by("grep -q 'SigBlk:[^1-9a-f]*$' /proc/self/status") == "");
  CHECK(said_by("test ! -e /proc/self/fd/" + std::to_string(file)) == "");
  close(file);
  pthread_sigmask(SIG_UNBLOCK, &held, nullptr);
}

TEST_CASE("how a command ends badly") {
  CHECK(said_by("exit 3") ==
        "the command 'exit 3' ended with status 3; it wrote nothing to standard error");
  CHECK(said_by("echo 'no such band' >&2; exit 1") ==
        "the command 'echo 'no such band' >&2; exit 1' ended with status 1; it wrote to "
        "standard error:\nno such band");
  CHECK(said_by("sh -c 'kill -11 $$'; exit $?")
            .starts_with("the command 'sh -c 'kill -11 $$'; exit $?' ended with status 139 (what "
                         "the shell says of a program that signal 11, Segmentation fault, ended); "
                         "it wrote to standard error:"));
  CHECK(said_by("kill -9 $$").find("was ended by signal 9 (Killed)") != std::string::npos);
  Bytes streams;
  CHECK(error_of([&] {
          run_child({{"/nowhere/x"}, "", 0, {}}, streams, {});
        }) == "the command '/nowhere/x' cannot be started: No such file or directory");
  CHECK(error_of([&] {
          run_child({{"true"}, "/nowhere", 0, {}}, streams, {});
        }) == "the command 'true' cannot be started: No such file or directory");
}

TEST_CASE("a command that takes too long is killed with all that it has started") {
  cube::test::TempDir dir;
  const Stopwatch watch;
  const std::string said =
      said_by("(sleep 1; touch " + dir.file("late") + ") & echo waiting >&2; sleep 30", 0.3);
  CHECK(watch.seconds() < 5);
  CHECK(said.find("took more than 0.3 s (timeout) and was stopped; it wrote to standard error:\n"
                  "waiting") != std::string::npos);
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));
  CHECK_FALSE(std::filesystem::exists(dir.file("late")));
}

TEST_CASE("endless output ends when it is not wanted, endless errors at the time limit") {
  const Stopwatch watch;
  Bytes streams;
  streams.fails = true;
  CHECK(error_of([&] {
          run_child(shell("yes"), streams, {});
        }).find("the command 'yes': no more of this") != std::string::npos);
  CHECK(said_by("yes >&2", 0.3).find("took more than 0.3 s") != std::string::npos);
  CHECK(watch.seconds() < 5);
}

TEST_CASE("what a command leaves in the background is not waited for") {
  const Stopwatch watch;
  CHECK(said_by("sleep 30 & echo done") == "");
  CHECK(watch.seconds() < 5);
}

TEST_CASE("a run that stops takes its commands along") {
  const Stopwatch watch;
  const double start = 0.3;
  RunOptions options;
  options.cancelled = [&] { return watch.seconds() > start; };
  CHECK(failure(node("sleep 30"), options) == "cancelled");
  CHECK(watch.seconds() < 5);
}

TEST_CASE("the failure of a command is the failure of its chunk") {
  CHECK(failure(node("echo broken >&2; exit 2")).find("ended with status 2") != std::string::npos);
  CHECK(failure(node("sleep 30", {{"timeout", 0.2}})).find("took more than 0.2 s") !=
        std::string::npos);
}

TEST_CASE("answers that are none") {
  const auto said = [](const std::string& command) {
    const std::string reason = failure(node(command));
    const std::size_t place = reason.find("its answer");
    REQUIRE_MESSAGE(place != std::string::npos, reason);
    return reason.substr(place, reason.find(';', place) - place);
  };
  const std::string shape = kShape;
  CHECK(said("cat >/dev/null") == "its answer is empty");
  CHECK(said("printf 'hello'") == "its answer has no empty line after its first lines");
  CHECK(said("printf 'hello\\n\\n'") ==
        "its answer does not say its shape in the lines before its cells");
  CHECK(said("printf '" + shape + "\\n\\n'") ==
        "its answer does not say its dtype in the lines before its cells");
  CHECK(said("printf '" + shape + "\\ndtype int64\\n\\n'") ==
        "its answer does not say its dtype in the lines before its cells");
  CHECK(said("printf 'shape 1 2 3 2\\ndtype uint8\\n\\n'") ==
        "its answer has the shape 1 2 3 2, not 1 2 2 3 (bands, slices, rows, columns)");
  CHECK(said("printf '" + shape + "\\ndtype uint8\\n\\n12345'") ==
        "its answer ends after 5 of 12 bytes of cells");
  CHECK(said("printf '" + shape + "\\ndtype uint8\\n\\n1234567890123'") ==
        "its answer is longer than its shape says");
  CHECK(said("yes | tr -d '\\n'") == "its answer does not begin with lines and an empty one");
}

TEST_CASE("an answer of any type, and bands of another") {
  const Graph graph =
      compiled(node("printf '" + std::string(kShape) + "\\ndtype uint8\\n\\nABCDEFGHIJKL'",
                    {{"dtype", "int16"}, {"nodata", -1}}));
  CHECK(graph.info().bands[0].dtype == DType::kInt16);
  CHECK(cube::test::computed(graph, allowed(), {2, 2, 3})[0] ==
        std::vector<double>{65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76});
}

TEST_CASE("what a command is told") {
  cube::test::TempDir dir;
  const json more = {
      {"halo", {{"x", 1}}},
      {"arguments", {{"k", 2.5}, {"name", "two words"}, {"on", true}, {"w", {1, 2}}}}};
  const Graph graph = compiled(node("sed '/^$/q' >" + dir.file("told") + "; exit 1", more));
  error_of([&] { compute(graph, allowed(), {{{1, 2}, {0, 2}, {1, 2}}, {0}}); });
  CHECK(cube::test::read_text(dir.file("told")) ==
        "cube-stream 1\nshape 1 1 2 3\ndtype float32\nbyteorder little\nband a\nanswer 1 1 2 1\n"
        "answer-band b\nhalo 0 0 0 0 1 1\nfirst 1 0 0\norigin 0 0\ncell 1 1\nsrs EPSG:32618\n"
        "time 2020-01-02 1577923200\nargument k 2.5\nargument name two words\nargument on true\n"
        "argument w 1 2\n\n");
}

TEST_CASE("a series has all slices whatever the chunk") {
  cube::test::TempDir dir;
  const Graph graph =
      compiled(node("sed '/^$/q' >" + dir.file("told") + "; exit 1", {{"per", "series"}}));
  error_of([&] { compute(graph, allowed(), {{{1, 2}, {0, 1}, {1, 2}}, {0}}); });
  const std::string told = cube::test::read_text(dir.file("told"));
  CHECK(told.find("\nshape 1 2 1 1\n") != std::string::npos);
  CHECK(told.find("\nanswer 1 2 1 1\n") != std::string::npos);
  CHECK(told.find("\nhalo 0 0 0 0 0 0\n") != std::string::npos);
  const Graph same = compiled(node("cat", {{"per", "series"}}));
  CHECK(cube::test::difference(cube::test::computed(same, allowed(), {1, 1, 1}),
                               cube::test::computed(same, allowed(), {2, 2, 3})) == "");
}

TEST_CASE("nothing runs without consent, and nothing where all is missing if that is said") {
  cube::test::TempDir dir;
  const std::string touch = "touch " + dir.file("ran") + "; cat";
  const Graph graph = compiled(node(touch));
  CHECK(error_of([&] {
          compute(graph, {}, {graph.info().extent(), {0}});
        }) == "the graph would run the command '" + touch +
                  "' (--allow-exec, or allow_exec in Python and C++, lets it, if you trust it)");
  const Plan plan(compiled(node(touch)), {});
  CHECK(error_of([&] { run(plan, {}, {}, {}, {}); }).starts_with("the graph would run"));
  json empty = node(touch, {{"skip_empty", true}});
  empty["in_cube"] = {{"cube_type", "filter_pixel"},
                      {"predicate", "a > 100"},
                      {"in_cube", cube::test::inline_node(small_input())}};
  const Graph skipping = compiled(empty);
  CHECK(compute(skipping, allowed(), {skipping.info().extent(), {0}}).empty());
  CHECK_FALSE(std::filesystem::exists(dir.file("ran")));
}

TEST_CASE("many commands at the same time") {
  const Graph graph = compiled(node("cat"));
  const auto whole = cube::test::computed(graph, allowed(), {2, 2, 3});
  std::vector<std::jthread> threads;
  std::atomic<int> same = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 5; ++k) {
        const Chunk chunk = compute(graph, allowed(), {graph.info().extent(), {0}});
        if (cube::test::difference({cube::test::cells_of(chunk, 0)}, whole) == "") ++same;
      }
    });
  }
  threads.clear();
  CHECK(same == 40);
}
