#include "media/device/wav.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numbers>
#include <string>

#include "protocol/base/text.hpp"
#include "tests/media/device/tone.hpp"

using namespace beckon;
using namespace beckon::device;

namespace {

/// A folder that goes with its owner.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("beckon-wav-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

Bytes slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void spill(const std::filesystem::path& path, ByteView bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

Bytes hex(std::string text) {
  std::erase(text, ' ');
  return from_hex(text).value();
}

const std::string riff = "52494646 00000000 57415645 ";
const std::string fmt_mono_8000 = "666d7420 10000000 0100 0100 401f0000 803e0000 0200 1000 ";
const std::string data_4 = "64617461 04000000 01000200 ";

}  // namespace

TEST_CASE("the sound of a WAV file is found after chunks of any kind") {
  struct Row {
    const char* what;
    std::string text;
    WavFormat format;
  };
  const Row rows[] = {
      {"plain", riff + fmt_mono_8000 + data_4, {8000, 1, 44, 4}},
      {"odd chunk before, padded to even",
       riff + "4c495354 03000000 61626300 " + fmt_mono_8000 + data_4,
       {8000, 1, 56, 4}},
      {"longer fmt chunk",
       riff + "666d7420 12000000 0100 0200 80bb0000 00ee0200 0400 1000 0000 " + data_4,
       {48000, 2, 46, 4}},
      {"extensible",
       riff +
           "666d7420 28000000 feff 0100 80bb0000 00770100 0200 1000 1600 1000 04000000 "
           "0100 000000001000800000aa00389b71 " +
           data_4,
       {48000, 1, 68, 4}},
      {"data claims more than there is",
       riff + fmt_mono_8000 + "64617461 ffffffff 010002 ",
       {8000, 1, 44, 2}},
      {"no sound", riff + fmt_mono_8000 + "64617461 00000000 ", {8000, 1, 44, 0}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const Bytes bytes = hex(row.text);
    const auto format = parse_wav(bytes, bytes.size());
    REQUIRE(format.has_value());
    CHECK(format->rate == row.format.rate);
    CHECK(format->channels == row.format.channels);
    CHECK(format->data_offset == row.format.data_offset);
    CHECK(format->data_size == row.format.data_size);
  }
}

TEST_CASE("a file that is not 16 bit PCM WAV is refused with the reason") {
  struct Row {
    const char* what;
    std::string text;
    Errc error;
  };
  const Row rows[] = {
      {"empty", "", Errc::not_wav},
      {"other file", "4f676753 00000000 00000000 00000000", Errc::not_wav},
      {"only the front", riff, Errc::not_wav},
      {"no data", riff + fmt_mono_8000, Errc::not_wav},
      {"data before fmt", riff + data_4 + fmt_mono_8000, Errc::not_wav},
      {"short fmt", riff + "666d7420 08000000 0100 0100 401f0000 " + data_4, Errc::not_wav},
      {"chunk past the end", riff + "4c495354 ffffff7f 00", Errc::not_wav},
      {"mu-law", riff + "666d7420 10000000 0700 0100 401f0000 401f0000 0100 0800 " + data_4,
       Errc::unsupported_format},
      {"24 bit", riff + "666d7420 10000000 0100 0100 401f0000 c05d0000 0300 1800 " + data_4,
       Errc::unsupported_format},
      {"three channels", riff + "666d7420 10000000 0100 0300 401f0000 80bb0000 0600 1000 " + data_4,
       Errc::unsupported_format},
      {"no channel", riff + "666d7420 10000000 0100 0000 401f0000 00000000 0000 1000 " + data_4,
       Errc::unsupported_format},
      {"1 Hz", riff + "666d7420 10000000 0100 0100 01000000 02000000 0200 1000 " + data_4,
       Errc::unsupported_format},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const Bytes bytes = hex(row.text);
    const auto format = parse_wav(bytes, bytes.size());
    REQUIRE(format.has_error());
    CHECK(format.error() == make_error_code(row.error));
  }
}

TEST_CASE("files that are not there or not WAV give an error, no source") {
  const Folder folder;
  CHECK(open_wav_source(folder / "none.wav").error() == make_error_code(Errc::cannot_open));
  CHECK(open_wav_source(folder / "").has_error());
  CHECK(open_wav_sink(folder / "no/such/folder.wav").error() == make_error_code(Errc::cannot_open));
  spill(folder / "bad.wav", as_bytes("RIFFxxxxWAVE"));
  CHECK(open_wav_source(folder / "bad.wav").error() == make_error_code(Errc::not_wav));
  CHECK(read_wav(folder / "bad.wav").error() == make_error_code(Errc::not_wav));
}

TEST_CASE("what a sink recorded, a source plays again, sample for sample") {
  const Folder folder;
  const auto path = folder / "tone.wav";
  std::vector<codec::Sample> sent;
  {
    const auto sink = open_wav_sink(path).value();
    test::ToneSource tone(440);
    for (int i = 0; i < 75; ++i) {
      codec::Frame frame;
      tone.pull(frame);
      sink->push(frame);
      sent.insert(sent.end(), frame.begin(), frame.end());
    }
    CHECK(sink->finish().has_value());
    CHECK(std::filesystem::file_size(path) == 44 + 75 * 1920);
  }
  const auto source = open_wav_source(path).value();
  std::vector<codec::Sample> played;
  codec::Frame frame;
  while (source->pull(frame)) played.insert(played.end(), frame.begin(), frame.end());
  CHECK(played == sent);
  CHECK_FALSE(source->pull(frame));
  CHECK(std::count(frame.begin(), frame.end(), 0) == 960);
}

TEST_CASE("a recording is a valid file after each second, should the program be killed") {
  const Folder folder;
  const auto path = folder / "killed.wav";
  const auto sink = open_wav_sink(path).value();
  codec::Frame frame;
  frame.fill(77);
  for (int i = 0; i < 60; ++i) sink->push(frame);
  const Bytes so_far = slurp(path);
  const auto format = parse_wav(so_far, so_far.size());
  REQUIRE(format.has_value());
  CHECK(format->data_size == 50 * 1920);
}

TEST_CASE("a full disk is reported when the recording is finished") {
  if (!std::filesystem::exists("/dev/full")) return;
  const auto sink = open_wav_sink("/dev/full").value();
  codec::Frame frame{};
  for (int i = 0; i < 10; ++i) sink->push(frame);
  CHECK(sink->finish().error() == make_error_code(Errc::cannot_write));
}

TEST_CASE("a stereo file at another rate is played as 48 kHz mono of the same length and level") {
  const Folder folder;
  const auto path = folder / "stereo.wav";
  Bytes bytes = hex(riff + "666d7420 10000000 0100 0200 44ac0000 10b10200 0400 1000 64617461 ffffffff");
  for (int i = 0; i < 44100; ++i) {
    const auto left = static_cast<std::int16_t>(10000 * std::sin(2 * std::numbers::pi * 300 * i / 44100));
    for (const auto value : {left, static_cast<std::int16_t>(0)}) {
      append_u8(bytes, static_cast<std::uint8_t>(value));
      append_u8(bytes, static_cast<std::uint8_t>(value >> 8));
    }
  }
  spill(path, bytes);
  const auto source = open_wav_source(path).value();
  codec::Frame frame;
  int frames = 0;
  codec::Sample peak = 0;
  while (source->pull(frame)) {
    ++frames;
    peak = std::max(peak, *std::max_element(frame.begin(), frame.end()));
  }
  CHECK(frames == 50);
  CHECK(peak == doctest::Approx(5000).epsilon(0.03));
  const auto sound = read_wav(path).value();
  CHECK(sound.rate == 44100);
  CHECK(sound.samples.size() == 44100);
}

TEST_CASE("a file longer than ten minutes is not brought into memory") {
  const Folder folder;
  const auto path = folder / "long.wav";
  spill(path, hex(riff + fmt_mono_8000 + "64617461 ffffffff"));
  std::filesystem::resize_file(path, 44 + (max_wav_seconds * 8000 + 1) * 2);  // a hole: takes no disk
  CHECK(read_wav(path).error() == make_error_code(Errc::too_large));
  std::filesystem::resize_file(path, 44 + max_wav_seconds * 8000 * 2);
  CHECK(read_wav(path).has_value());
}
