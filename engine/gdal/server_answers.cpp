#include "engine/gdal/server_answers.h"

#include <cpl_vsi_error.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace cube {

namespace {

constexpr std::string_view kNoRanges = "Range downloading not supported";

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The status that a message of GDAL names, 0 for none.
int status_in(std::string_view message) {
  static constexpr std::array<std::string_view, 3> kForms = {
      "response_code=", "response code: ", "error code: "};
  for (const std::string_view form : kForms) {
    const std::size_t at = message.rfind(form);
    if (at == std::string_view::npos) continue;
    const std::string_view digits = message.substr(at + form.size());
    int status = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), status);
    return status;
  }
  return 0;
}

std::string status_text(int status) { return "HTTP response code: " + std::to_string(status); }

}  // namespace

bool Refusal::is_final(bool open) const {
  static constexpr std::array kLater = {408, 425, 429};  // too slow, too early, too many
  if (status >= 400 && status < 500) return std::ranges::find(kLater, status) == kLater.end();
  if (status == 200 && has(reason, "no ranges")) return true;
  static constexpr std::array<std::string_view, 5> kNoServer = {
      "resolve host", "Connection refused", "n't connect to server", "InvalidCredentials",
      "AWS_SECRET_ACCESS_KEY"};
  return !open && status < 400 &&
         std::ranges::any_of(kNoServer, [&](std::string_view part) { return has(reason, part); });
}

std::string Refusal::advice(std::string_view name) const {
  if (status != 401 && status != 403) return "";
  if (has(name, "s3://") || has(name, "/vsis3/")) {
    return "credentials are taken from the environment: AWS_ACCESS_KEY_ID and "
           "AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or AWS_NO_SIGN_REQUEST=YES for public buckets";
  }
  if (has(name, "gs://") || has(name, "/vsigs/")) {
    return "credentials are taken from the environment: GOOGLE_APPLICATION_CREDENTIALS, or "
           "GS_NO_SIGN_REQUEST=YES for public buckets";
  }
  if (has(name, "az://") || has(name, "abfs://") || has(name, "/vsiaz/")) {
    return "credentials are taken from the environment: AZURE_STORAGE_CONNECTION_STRING, "
           "AZURE_STORAGE_SAS_TOKEN, or AZURE_NO_SIGN_REQUEST=YES for public containers";
  }
  if (has(name, "?")) return "a signature in a URL holds for a while only";
  return "a user's name and password are taken from GDAL_HTTP_USERPWD, other ways to log in from "
         "GDAL_HTTP_HEADERS";
}

Error Refusal::error(const std::string& name) const {
  if (missing()) return Error(ErrorCode::kNotFound, "there is no such file (" + reason + ")", name);
  return Error(ErrorCode::kUnreadable, "cannot be opened: " + reason, name, advice(name));
}

AnswerLog::AnswerLog() {
  VSIErrorReset();
  CPLPushErrorHandlerEx(&AnswerLog::keep, this);
}

AnswerLog::~AnswerLog() { CPLPopErrorHandler(); }

void AnswerLog::keep(CPLErr kind, CPLErrorNum, const char* message) {
  static_cast<AnswerLog*>(CPLGetErrorHandlerUserData())->read(kind, message);
}

void AnswerLog::read(CPLErr kind, std::string_view message) {
  if (const int status = status_in(message)) status_ = status;
  if (kind >= CE_Failure && failure_.empty()) failure_ = message;
  constexpr std::string_view kWay = "msg=";
  const std::size_t way = message.find(kWay);
  if (way != std::string_view::npos) connection_ = message.substr(way + kWay.size());
}

Refusal AnswerLog::refusal(const std::string& otherwise) const {
  const std::string told = VSIGetLastErrorMsg();
  const int status = status_in(told) ? status_in(told) : status_;
  if (!told.empty()) {
    const bool says = status < 400 || status_in(told) != 0;
    return {status, says ? told : told + " (" + status_text(status) + ")"};
  }
  if (status >= 400) return {status, status_text(status)};
  if (has(failure_, kNoRanges) && status == 200) {
    return {status, "the server gives whole files and no ranges of them: download the file"};
  }
  if (!connection_.empty()) return {status, connection_};
  return {status, failure_.empty() || has(failure_, "response_code=") ? otherwise : failure_};
}

}  // namespace cube
