// What a run leaves for a later one: records, journals, work folders, what has changed.
#include <fstream>
#include <thread>

#include "engine/gdal/run_journal.h"
#include "engine/gdal/work_folder.h"
#include "engine/tiling.h"
#include "tests/support.h"

using namespace cube;
using test::error_of;
using test::read_text;
using test::TempDir;
using test::write_text;

namespace {

using Records = std::vector<std::pair<char, std::string>>;

Records records_of(RecordFile& file) {
  Records out;
  file.read(
      [&](char kind, std::string_view payload, std::uint64_t) { out.emplace_back(kind, payload); });
  return out;
}

RunIdentity made_of(std::vector<Ingredient> ingredients) {
  return [ingredients = std::move(ingredients)](const auto& take) {
    for (const Ingredient& ingredient : ingredients) take(ingredient);
  };
}

std::string difference(std::vector<Ingredient> before, std::vector<Ingredient> now) {
  IdentityCheck check;
  for (const Ingredient& ingredient : before) check.was(ingredient);
  for (const Ingredient& ingredient : now) check.is(ingredient);
  return check.difference();
}

}  // namespace

TEST_CASE("records are read back up to the first that is not whole") {
  const TempDir dir;
  const std::string path = dir.file("records");
  const Records all = {{'a', ""}, {'b', std::string("x\0y", 3)}, {'c', std::string(5000, 'z')}};
  std::vector<std::uint64_t> ends = {0};
  {
    RecordFile file(path, "out.tif");
    for (const auto& [kind, payload] : all) ends.push_back(file.append(kind, payload));
    CHECK(file.end() == ends.back());
  }
  const std::string bytes = read_text(path);
  CHECK(bytes.size() == ends.back());
  for (std::size_t size = 0; size <= bytes.size(); size += size < 40 ? 1 : 499) {
    write_text(path, bytes.substr(0, size));
    RecordFile file(path, "out.tif");
    Records whole = all;
    whole.resize(static_cast<std::size_t>(std::ranges::upper_bound(ends, size) - ends.begin() - 1));
    CHECK(records_of(file) == whole);
    // The next one is put behind these.
    file.append('n', "new");
    whole.emplace_back('n', "new");
    RecordFile again(path, "out.tif");
    CHECK(records_of(again) == whole);
  }
  for (std::size_t i = 0; i < 20; ++i) {  // any byte of the first two
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    write_text(path, damaged);
    RecordFile file(path, "out.tif");
    CHECK(records_of(file).size() == (i < ends[1] ? 0 : 1));
  }
}

TEST_CASE("records of several threads stand beside each other") {
  const TempDir dir;
  RecordFile file(dir.file("records"), "out.tif");
  {
    std::vector<std::jthread> threads;
    for (const char kind : {'a', 'b', 'c'}) {
      threads.emplace_back([&file, kind] {
        for (int i = 0; i < 200; ++i)
          file.append(kind, std::string(static_cast<std::size_t>(i), kind));
      });
    }
  }
  RecordFile again(dir.file("records"), "out.tif");
  const Records all = records_of(again);
  CHECK(all.size() == 600);
  for (const auto& [kind, payload] : all) CHECK(payload == std::string(payload.size(), kind));
}

TEST_CASE("payloads") {
  const PayloadWriter out = PayloadWriter().put(std::uint64_t{7}).put("a text").put("");
  PayloadReader in(out.payload());
  CHECK(in.number() == 7);
  CHECK(in.text() == "a text");
  CHECK(in.more());
  CHECK(in.text().empty());
  CHECK(!in.more());
  CHECK(in.good());
  CHECK(in.number() == 0);
  CHECK(!in.good());
  PayloadReader cut(std::string_view(out.payload()).substr(0, 20));
  cut.number();
  CHECK(cut.text().empty());
  CHECK(!cut.good());
}

TEST_CASE("a journal gives back what was done") {
  const TempDir dir;
  const std::string path = dir.file("journal");
  {
    RunJournal journal(path, "out.tif");
    CHECK(!journal.read());
    journal.begin(made_of({{"a", "1"}, {"b", "2"}}));
    journal.finished({3, {{1, {{0, 5, 100, 20}, {2, 6, 120, 8}}}}});
    journal.skipped({"image", "is torn"});
    journal.finished({1, {}});
  }
  {
    RunJournal journal(path, "out.tif");
    auto earlier = journal.read();
    REQUIRE(earlier);
    REQUIRE(earlier->chunks.size() == 2);
    CHECK(earlier->chunks[0].chunk == 3);
    REQUIRE(earlier->chunks[0].parts.size() == 1);
    CHECK(earlier->chunks[0].parts[0].file == 1);
    const TileLog& tiles = earlier->chunks[0].parts[0].tiles;
    REQUIRE(tiles.size() == 2);
    CHECK(tiles[1].store == 2);
    CHECK(tiles[1].index == 6);
    CHECK(tiles[1].offset == 120);
    CHECK(tiles[1].bytes == 8);
    CHECK(earlier->chunks[1].chunk == 1);
    CHECK(earlier->chunks[1].parts.empty());
    REQUIRE(earlier->skipped.size() == 1);
    CHECK(earlier->skipped[0].reason == "is torn");
    CHECK(!earlier->publishing);
    earlier->identity.is({"a", "1"});
    earlier->identity.is({"b", "two"});
    CHECK(earlier->identity.difference() == "b was 2, is two");
    journal.go_on();
    journal.finished({2, {}});
    journal.publishing();
  }
  RunJournal journal(path, "out.tif");
  const auto earlier = journal.read();
  REQUIRE(earlier);
  CHECK(earlier->chunks.size() == 3);
  CHECK(earlier->publishing);
  // Anew: nothing of it is left.
  journal.begin(made_of({{"a", "3"}}));
  RunJournal other(path, "out.tif");
  CHECK(other.read()->chunks.empty());
}

TEST_CASE("a journal without all that cells depend on is of no use") {
  const TempDir dir;
  const std::string path = dir.file("journal");
  std::vector<Ingredient> many;
  for (int i = 0; i < 5000; ++i) {
    many.push_back({"file " + std::to_string(i), "1234 bytes of 2020-01-01"});
  }
  RunJournal(path, "out.tif").begin(made_of(many));
  auto earlier = RunJournal(path, "out.tif").read();
  REQUIRE(earlier);
  for (const Ingredient& ingredient : many) earlier->identity.is(ingredient);
  CHECK(earlier->identity.difference().empty());
  const std::string bytes = read_text(path);
  write_text(path, bytes.substr(0, bytes.size() / 2));
  CHECK(!RunJournal(path, "out.tif").read());
  write_text(path, "");
  CHECK(!RunJournal(path, "out.tif").read());
  write_text(path, "no journal at all, but a text that somebody has put there");
  CHECK(!RunJournal(path, "out.tif").read());
}

TEST_CASE("differences are named, the first and how many more") {
  CHECK(difference({{"a", "1"}, {"b", "2"}}, {{"b", "2"}, {"a", "1"}}).empty());
  CHECK(difference({{"a", "1"}}, {{"a", "2"}}) == "a was 1, is 2");
  CHECK(difference({{"a", "1"}}, {{"a", "1"}, {"b", "2"}}) == "b is new");
  CHECK(difference({{"a", "1"}, {"b", "2"}}, {{"a", "1"}}) == "b is gone");
  CHECK(difference({{"a", "1"}, {"b", "2"}, {"c", "3"}}, {{"a", "2"}, {"b", "3"}}) ==
        "a was 1, is 2 (and 2 more differences)");
  // The same thing read twice.
  CHECK(difference({{"a", "1"}, {"a", "1"}, {"a", "2"}}, {{"a", "2"}, {"a", "1"}}).empty());
  const std::string odd(1000, 'x');
  CHECK(difference({{"a", odd}}, {{"a", "y"}}).size() < 250);
}

TEST_CASE("one at a time has a work folder") {
  const TempDir dir;
  const std::string path = WorkFolder::path_of(dir.path().string(), "a.tif");
  CHECK(path == dir.file(".a.tif.part"));
  CHECK(WorkFolder::path_of("", "a.tif") == ".a.tif.part");
  {
    WorkFolder work(path, "a.tif");
    write_text(work.path("x"), std::string(10000, ' '));
    CHECK(work.bytes() >= 10000);
    CHECK(error_of([&] { WorkFolder(path, "a.tif"); }) ==
          "a.tif: is written by another output of this run");
    work.keep(true);
  }
  CHECK(std::filesystem::exists(path + "/x"));
  {
    WorkFolder work(path, "a.tif");
    work.empty();
    CHECK(!std::filesystem::exists(path + "/x"));
    write_text(work.path("y"), "");
    CHECK(error_of([&] { WorkFolder(path, "a.tif"); }) != "");
  }
  CHECK(!std::filesystem::exists(path));
}

TEST_CASE("chunks are counted in the order t, y, x") {
  const Tiling tiling{{{0, 3}, {0, 50}, {0, 70}}, {2, 20, 30}};
  CHECK(tiling.counts() == ChunkShape{2, 3, 3});
  CHECK(tiling.region(0) == Region{{0, 2}, {0, 20}, {0, 30}});
  CHECK(tiling.region(17) == Region{{2, 3}, {40, 50}, {60, 70}});
  for (std::int64_t chunk = 0; chunk < tiling.counts().cells(); ++chunk) {
    CHECK(tiling.chunk_at(tiling.region(chunk)) == chunk);
  }
}
