#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <cstdio>
#include <iostream>
#include <string>

#include "media/device/wav.hpp"
#include "tools/audio/similarity.hpp"
#include "tools/audio/speech.hpp"

namespace {

using namespace beckon;

constexpr int exit_done = 0;
constexpr int exit_usage = 2;
constexpr int exit_failed = 5;

int fail(const std::string& what, const ErrorCode& error) {
  std::fprintf(stderr, "beckon-audio: %s: %s\n", what.c_str(), error.message().c_str());
  return exit_failed;
}

int write_speech(const std::string& path, double seconds, std::uint64_t seed) {
  const auto written = device::write_wav(path, audio_tool::make_speech(seconds, seed));
  return written ? exit_done : fail(path, written.error());
}

int print_similarity(const std::string& sent_path, const std::string& heard_path,
                     const std::string& skip_path, double max_lag) {
  const auto sent = device::read_wav(sent_path);
  if (!sent) return fail(sent_path, sent.error());
  const auto heard = device::read_wav(heard_path);
  if (!heard) return fail(heard_path, heard.error());
  audio_tool::Skip skip;
  if (!skip_path.empty()) {
    auto read = audio_tool::read_skip(skip_path);
    if (!read) return fail(skip_path, read.error());
    skip = *std::move(read);
  }
  const auto similarity = audio_tool::compare(*sent, *heard, skip, max_lag);
  if (!similarity) return fail(heard_path, similarity.error());
  const boost::json::object out{{"windows", similarity->values.size()},
                                {"median", similarity->median()},
                                {"min", similarity->min()},
                                {"masked_frames", similarity->masked_frames},
                                {"masked_windows", similarity->masked_windows},
                                {"silent_windows", similarity->silent_windows}};
  std::cout << boost::json::serialize(out) << '\n';
  return exit_done;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Makes speech-like WAV files and measures how like two of them are");
  app.require_subcommand(1);

  std::string out;
  double seconds = 10;
  std::uint64_t seed = 0;
  auto* const speech = app.add_subcommand("speech", "Write speech-like sound, 48 kHz mono");
  speech->add_option("OUT", out, "WAV file to write")->required();
  speech->add_option("--seconds", seconds, "Length")->check(CLI::Range(0.1, double{device::max_wav_seconds}));
  speech->add_option("--seed", seed, "What is said, and by whom: even seeds speak low, odd seeds high");

  std::string sent;
  std::string heard;
  std::string skip;
  double max_lag = 2;
  auto* const compare =
      app.add_subcommand("compare", "Print as JSON how like HEARD is to SENT, in windows of 1 s");
  compare->add_option("SENT", sent, "WAV file that was sent")->required();
  compare->add_option("HEARD", heard, "WAV file that was recorded")->required();
  compare->add_option("--skip", skip,
                      "JSON file beside the recording: its lost and concealed frames are left out");
  compare->add_option("--max-lag", max_lag, "Seconds either way in which each window is searched")
      ->check(CLI::Range(0.0, 10.0));

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_done : exit_usage;
  }
  return speech->parsed() ? write_speech(out, seconds, seed) : print_similarity(sent, heard, skip, max_lag);
}
