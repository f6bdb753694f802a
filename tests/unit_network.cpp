// Names of remote files, what may be shown of them, which ranges are read together, what GDAL is
// told to do, and what is made of the answers. No test here needs a network.
#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_vsi_error.h>
#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "engine/file_kind.h"
#include "engine/gdal/cloud_settings.h"
#include "engine/gdal/near_ranges.h"
#include "engine/gdal/network.h"
#include "engine/gdal/persist.h"
#include "engine/gdal/server_answers.h"
#include "engine/remote_names.h"
#include "engine/stop_asked.h"
#include "engine/text.h"

using namespace cube;

namespace {

std::string option(const char* name) {
  const char* value = CPLGetConfigOption(name, nullptr);
  return value ? value : "";
}

std::vector<NearRanges> near_of(const std::vector<unsigned long long>& offsets,
                                const std::vector<std::size_t>& sizes) {
  return near_ranges(offsets, sizes);
}

// What is made of messages of GDAL.
Refusal refusal_of(const std::vector<std::pair<CPLErr, std::string>>& messages,
                   const std::string& status = "") {
  const AnswerLog log;
  for (const auto& [kind, text] : messages) {
    if (kind == CE_Debug) {
      CPLDebug("VSICURL", "%s", text.c_str());
    } else {
      CPLError(kind, CPLE_AppDefined, "%s", text.c_str());
    }
  }
  if (!status.empty()) VSIError(VSIE_HttpError, "%s", status.c_str());
  return log.refusal("nothing was said");
}

}  // namespace

TEST_CASE("names of remote files") {
  const std::vector<std::pair<std::string, std::string>> names = {
      {"https://h/a.tif", "/vsicube//vsicurl/https://h/a.tif"},
      {"http://h/a.tif?b=/c", "/vsicube//vsicurl/http://h/a.tif?b=/c"},
      {"ftp://h/a.tif", "/vsicube//vsicurl/ftp://h/a.tif"},
      {"s3://b/a.tif", "/vsicube//vsis3/b/a.tif"},
      {"gs://b/a.tif", "/vsicube//vsigs/b/a.tif"},
      {"az://b/a.tif", "/vsicube//vsiaz/b/a.tif"},
      {"abfs://b/a.tif", "/vsicube//vsiaz/b/a.tif"},
      {"adl://b/a.tif", "/vsicube//vsiadls/b/a.tif"},
      {"oss://b/a.tif", "/vsicube//vsioss/b/a.tif"},
      {"/vsis3/b/a.tif", "/vsicube//vsis3/b/a.tif"},
      {"/vsicurl?url=https%3A%2F%2Fh", "/vsicube//vsicurl?url=https%3A%2F%2Fh"},
      {"/vsizip//vsis3/b/a.zip/c.tif", "/vsizip//vsicube//vsis3/b/a.zip/c.tif"},
      {"/vsitar/{/vsicurl/https://h/a.tgz}/c", "/vsitar/{/vsicube//vsicurl/https://h/a.tgz}/c"},
      {"/vsicurl_streaming/https://h/a", "/vsicurl_streaming/https://h/a"},
      {"file:///d/a.tif", "/d/a.tif"},
      {"/d/a.tif", "/d/a.tif"},
      {"a?.tif", "a?.tif"},
      {"/vsimem/a.tif", "/vsimem/a.tif"}};
  for (const auto& pair : names) {
    const std::string& name = pair.first;
    const std::string& wanted = pair.second;
    CAPTURE(name);
    CHECK(network_name(name) == wanted);
    CHECK(is_remote(name) == (wanted.find("/vsicurl") != std::string::npos ||
                              wanted.find("/vsicube/") != std::string::npos));
    CHECK(without_network_names(wanted) == gdal_name_of(name));
  }
  CHECK(without_query("https://h/a.tif?b=/c.d") == "https://h/a.tif");
  CHECK(without_query("what?.tif") == "what?.tif");
  CHECK(kind_of_file("s3://b/a.zarr/") == FileKind::kZarr);
  CHECK(kind_of_file("https://h/A.NC?sig=x.tif") == FileKind::kNetcdf);
  CHECK(kind_of_file("https://h/a.tif") == FileKind::kUnknown);
}

TEST_CASE("names of users and their passwords in URLs are not said") {
  CHECK(without_queries("see ftp://me:pass@h/x, https://me@h:8080/y?z@w; http://h/a@b") ==
        "see ftp://...@h/x, https://...@h:8080/y?...; http://h/a@b");
  CHECK(without_queries("https://me:p@ss@h") == "https://...@h");
  CHECK(without_secrets("https://me:p@h/a?x'y\"z(w)<v>") == "https://...@h/a?...");
  CHECK(without_secrets("/vsizip//vsicurl/https://h/a.zip?x/b.tif") ==
        "/vsizip//vsicurl/https://h/a.zip?...");
  CHECK(without_secrets("curl https://h/a?x | cat a?b") == "curl https://h/a?... | cat a?b");
  CHECK(without_secrets("data/a?.tif") == "data/a?.tif");
  for (const std::string text :
       {"https://...@h/x?...: no", "https://h/x?...", "a ? b : c", "://"}) {
    CHECK(without_queries(text) == text);
  }
  CHECK(without_queries("https://h/x?...secret") == "https://h/x?...");
  CHECK(without_queries("PG:host=h password=x user=u; PWD='a b' z, pwd=, password=") ==
        "PG:host=h password=... user=u; PWD=... z, pwd=, password=");
  CHECK(without_queries(R"(password='it\'s mine' u=v, password='it''s mine' u=v)") ==
        "password=... u=v, password=... u=v");
  CHECK(without_queries("password='a b'c d") == "password=... d");
  CHECK(without_queries("password='a b\\") == "password=...");
  CHECK(without_queries("password=...") == "password=...");
  std::string many;  // is read once
  for (int i = 0; i < 300000; ++i) many += "://";
  CHECK(without_queries(many) == many);
}

TEST_CASE("ranges that lie near each other are read together") {
  constexpr unsigned long long kGap = 32 << 10;
  CHECK(near_of({}, {}).empty());
  CHECK(near_of({100}, {10}) == std::vector<NearRanges>{{100, 110, {0}}});
  // In the order of the file, and no farther apart than that.
  CHECK(near_of({110 + kGap, 0, 100}, {5, 10, 10}) ==
        std::vector<NearRanges>{{0, 115 + kGap, {1, 2, 0}}});
  CHECK(near_of({0, 11 + kGap}, {10, 5}) ==
        std::vector<NearRanges>{{0, 10, {0}}, {11 + kGap, 16 + kGap, {1}}});
  // One within another.
  CHECK(near_of({0, 10}, {100, 10}) == std::vector<NearRanges>{{0, 100, {0, 1}}});
  // No more than 4 MB, but a range is never cut.
  constexpr std::size_t kMany = std::size_t{3} << 20;
  CHECK(near_of({0, kMany}, {kMany, kMany}) ==
        std::vector<NearRanges>{{0, kMany, {0}}, {kMany, 2 * kMany, {1}}});
  CHECK(near_of({0}, {3 * kMany}) == std::vector<NearRanges>{{0, 3 * kMany, {0}}});
}

TEST_CASE("what suits cloud reads is set for this thread, for a while, unless it is set") {
  const std::array<std::array<const char*, 2>, 8> wanted = {
      {{"GDAL_DISABLE_READDIR_ON_OPEN", "EMPTY_DIR"},
       {"GDAL_HTTP_MULTIRANGE", "YES"},
       {"GDAL_HTTP_MERGE_CONSECUTIVE_RANGES", "YES"},
       {"GDAL_HTTP_CONNECTTIMEOUT", "10"},
       {"GDAL_HTTP_TIMEOUT", "120"},
       {"GDAL_HTTP_LOW_SPEED_TIME", "20"},
       {"GDAL_HTTP_LOW_SPEED_LIMIT", "1"},
       {"GDAL_HTTP_TCP_KEEPALIVE", "YES"}}};
  for (const auto& setting : wanted) {
    CAPTURE(setting[0]);
    {
      const CloudSettings settings;
      CHECK(option(setting[0]) == setting[1]);
      CHECK(option("GDAL_HTTP_MAX_RETRY") == "0");
      CHECK((settings.patience().times == 5 && settings.patience().delay == 0.25));
    }
    CHECK(option(setting[0]).empty());
    const ThreadOption own(setting[0], "7");
    const CloudSettings settings;
    CHECK(option(setting[0]) == "7");
  }
  const ThreadOption times("GDAL_HTTP_MAX_RETRY", "3");
  const ThreadOption delay("GDAL_HTTP_RETRY_DELAY", "0.5");
  {
    const CloudSettings settings;
    CHECK((settings.patience().times == 3 && settings.patience().delay == 0.5));
  }
  CHECK(option("GDAL_HTTP_MAX_RETRY") == "3");
}

TEST_CASE("what answers say") {
  const auto check = [](const Refusal& refusal, int status, const std::string& reason) {
    CHECK(refusal.status == status);
    CHECK(refusal.reason == reason);
  };
  check(refusal_of({}), 0, "nothing was said");
  check(refusal_of({}, "HTTP response code: 404"), 404, "HTTP response code: 404");
  check(refusal_of({{CE_Debug, "GetFileSize(x)=0 response_code=403"}}, "AccessDenied: no"), 403,
        "AccessDenied: no (HTTP response code: 403)");
  check(refusal_of({{CE_Debug, "Got response_code=500"}}), 500, "HTTP response code: 500");
  check(refusal_of({{CE_Failure, "Request for 1-2 failed with response_code=503"}}), 503,
        "HTTP response code: 503");
  check(refusal_of({{CE_Debug, "DownloadRegion(x): response_code=0, msg=Connection reset"}}), 0,
        "Connection reset");
  check(refusal_of({{CE_Failure, "Request for 1-2 failed with response_code=206"}}), 206,
        "nothing was said");
  check(refusal_of({{CE_Debug, "Got response_code=200"},
                    {CE_Failure, "Range downloading not supported by this server!"}}),
        200, "the server gives whole files and no ranges of them: download the file");
  // GDAL says so too of a server that is asked too often.
  check(refusal_of({{CE_Debug, "Got response_code=429"},
                    {CE_Failure, "Range downloading not supported by this server!"}}),
        429, "HTTP response code: 429");
  check(refusal_of({{CE_Failure, "AWS_SECRET_ACCESS_KEY is not defined"}}), 0,
        "AWS_SECRET_ACCESS_KEY is not defined");
}

TEST_CASE("which answers stay the same") {
  for (const int status : {400, 401, 403, 404, 405, 410, 416}) {
    CHECK(Refusal{status, "no"}.is_final(true));
  }
  for (const int status : {0, 206, 408, 425, 429, 500, 502, 503, 504}) {
    CHECK_FALSE(Refusal{status, "no"}.is_final(false));
  }
  const Refusal nobody{0, "Could not resolve host: h"};
  CHECK(nobody.is_final(false));
  CHECK_FALSE(nobody.is_final(true));  // names were known a moment ago
  CHECK(Refusal{404, "no"}.missing());
  CHECK_FALSE(Refusal{403, "no"}.missing());
}

TEST_CASE("advice names where credentials come from") {
  const Refusal refused{403, "no"};
  CHECK(refused.advice("s3://b/a").find("AWS_PROFILE") != std::string::npos);
  CHECK(refused.advice("/vsigs/b/a").find("GOOGLE_APPLICATION_CREDENTIALS") != std::string::npos);
  CHECK(refused.advice("az://b/a").find("AZURE_STORAGE_") != std::string::npos);
  CHECK(refused.advice("https://h/a?sig=1").find("signature") != std::string::npos);
  CHECK(refused.advice("https://h/a").find("GDAL_HTTP_USERPWD") != std::string::npos);
  CHECK(Refusal{500, "no"}.advice("s3://b/a").empty());
}

TEST_CASE("what fails is asked for again, for a while") {
  const std::string path = "/vsicurl/http://nowhere.invalid/a.tif";
  const std::int64_t before = retries_so_far();
  int tries = 0;
  CHECK_FALSE(persist(path, {2, 0}, true, [&](std::string&) { return ++tries == 3; }));
  CHECK(tries == 3);
  CHECK(retries_so_far() == before + 2);
  const auto never = [&](std::string& reason) {
    ++tries;
    reason = "no";
    return false;
  };
  tries = 0;
  CHECK(persist(path, {2, 0}, true, never)->reason == "no (asked 3 times)");
  CHECK(tries == 3);
  tries = 0;
  CHECK(persist(path, {0, 0}, true, never)->reason == "no");
  CHECK(tries == 1);
}

TEST_CASE("who is asked to stop does not wait") {
  const auto start = std::chrono::steady_clock::now();
  bool stop = false;
  const std::function<bool()> asked = [&] { return stop; };
  const StopAsked stopping(asked);
  int tries = 0;
  const auto attempt = [&](std::string&) {
    ++tries;
    stop = true;
    return false;
  };
  const std::string path = "/vsicurl/http://nowhere.invalid/a";
  CHECK(persist(path, {9, 1000}, true, attempt)->reason == "stopped");
  CHECK(tries == 1);
  CHECK(persist(path, {9, 1000}, true, attempt)->reason == "stopped");
  CHECK(tries == 1);  // it does not begin
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(1));
}
