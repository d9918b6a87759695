#include "media/device/wav.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <string_view>

#include "media/codec/resampler.hpp"

namespace beckon::device {
namespace {

constexpr unsigned min_wav_rate = 4000;
constexpr unsigned max_wav_rate = 192000;
constexpr std::size_t sample_size = 2;
constexpr std::size_t header_size = 44;
constexpr std::uint16_t pcm = 1;
constexpr std::uint16_t extensible = 0xfffe;  // the true format stands in the first octets of a GUID

std::uint16_t read_le16(ByteView bytes) { return static_cast<std::uint16_t>(bytes[0] | bytes[1] << 8); }
std::uint32_t read_le32(ByteView bytes) {
  return read_le16(bytes) | std::uint32_t{read_le16(bytes.subspan(2))} << 16;
}

void append_le16(Bytes& out, std::uint16_t value) {
  append_u8(out, static_cast<std::uint8_t>(value));
  append_u8(out, static_cast<std::uint8_t>(value >> 8));
}
void append_le32(Bytes& out, std::uint32_t value) {
  append_le16(out, static_cast<std::uint16_t>(value));
  append_le16(out, static_cast<std::uint16_t>(value >> 16));
}

codec::Sample read_sample(const std::uint8_t* at) { return static_cast<codec::Sample>(at[0] | at[1] << 8); }

Result<void> read_format(ByteView chunk, WavFormat& format) {
  if (chunk.size() < 16) return Errc::not_wav;
  std::uint16_t tag = read_le16(chunk);
  if (tag == extensible && chunk.size() >= 26) tag = read_le16(chunk.subspan(24));
  format.channels = read_le16(chunk.subspan(2));
  format.rate = read_le32(chunk.subspan(4));
  const bool good = tag == pcm && read_le16(chunk.subspan(14)) == 16 &&
                    (format.channels == 1 || format.channels == 2) && format.rate >= min_wav_rate &&
                    format.rate <= max_wav_rate;
  if (!good) return Errc::unsupported_format;
  return {};
}

Bytes print_header(unsigned rate, std::uint32_t data_size) {
  Bytes out;
  out.reserve(header_size);
  append(out, std::string_view("RIFF"));
  append_le32(out, data_size + header_size - 8);
  append(out, std::string_view("WAVEfmt "));
  append_le32(out, 16);
  append_le16(out, pcm);
  append_le16(out, 1);
  append_le32(out, rate);
  append_le32(out, rate * sample_size);
  append_le16(out, sample_size);
  append_le16(out, 16);
  append(out, std::string_view("data"));
  append_le32(out, data_size);
  return out;
}

void write(std::ostream& file, ByteView bytes) {
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

void append_samples(Bytes& out, std::span<const codec::Sample> samples) {
  for (const auto sample : samples) append_le16(out, static_cast<std::uint16_t>(sample));
}

/// A file whose header was read. Yields mono samples at the file's rate, block by block.
class Reader {
 public:
  static Result<Reader> open(const std::filesystem::path& path);

  const WavFormat& format() const { return format_; }
  /// Appends up to `count` samples; fewer only at the end of the file.
  void read(std::size_t count, std::vector<codec::Sample>& out);

 private:
  Reader(std::ifstream file, const WavFormat& format)
      : file_(std::move(file)), format_(format), left_(format.data_size) {}

  std::ifstream file_;
  WavFormat format_;
  std::uint64_t left_;
  Bytes block_;
};

Result<Reader> Reader::open(const std::filesystem::path& path) {
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) return Errc::cannot_open;
  Bytes front(static_cast<std::size_t>(std::min<std::uint64_t>(size, max_wav_header)));
  if (!file.read(reinterpret_cast<char*>(front.data()), static_cast<std::streamsize>(front.size()))) {
    return Errc::cannot_read;
  }
  const auto format = parse_wav(front, size);
  if (!format) return format.error();
  if (!file.seekg(static_cast<std::streamoff>(format->data_offset))) return Errc::cannot_read;
  return Reader(std::move(file), *format);
}

void Reader::read(std::size_t count, std::vector<codec::Sample>& out) {
  const std::size_t step = sample_size * format_.channels;
  block_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(count * step, left_)));
  file_.read(reinterpret_cast<char*>(block_.data()), static_cast<std::streamsize>(block_.size()));
  const auto got = static_cast<std::size_t>(file_.gcount()) / step * step;
  left_ = got < block_.size() ? 0 : left_ - got;
  for (std::size_t at = 0; at < got; at += step) {
    const int first = read_sample(block_.data() + at);
    const int second = format_.channels == 2 ? read_sample(block_.data() + at + sample_size) : first;
    out.push_back(static_cast<codec::Sample>((first + second) / 2));
  }
}

class WavSource final : public AudioSource {
 public:
  WavSource(Reader reader, codec::Resampler resampler)
      : reader_(std::move(reader)), resampler_(std::move(resampler)) {}

  bool pull(codec::FrameSpan frame) override {
    while (ready_.size() < frame.size() && fill()) {
    }
    const std::size_t count = std::min(ready_.size(), frame.size());
    const auto end = ready_.begin() + static_cast<std::ptrdiff_t>(count);
    std::fill(std::copy(ready_.begin(), end, frame.begin()), frame.end(), codec::Sample{0});
    ready_.erase(ready_.begin(), end);
    return count > 0;
  }

 private:
  /// Reads and converts about 20 ms more; false at the end.
  bool fill() {
    native_.clear();
    reader_.read(reader_.format().rate / 50 + 1, native_);
    if (reader_.format().rate == codec::sample_rate) {
      ready_.insert(ready_.end(), native_.begin(), native_.end());
    } else {
      resampler_.process(native_, ready_);
    }
    return !native_.empty();
  }

  Reader reader_;
  codec::Resampler resampler_;
  std::vector<codec::Sample> native_;
  std::vector<codec::Sample> ready_;
};

class WavSink final : public AudioSink {
 public:
  explicit WavSink(std::ofstream file) : file_(std::move(file)) {}
  ~WavSink() override { (void)finish(); }

  void push(codec::FrameView frame) override {
    if (finished_ || data_size_ > max_data) return;
    block_.clear();
    append_samples(block_, frame);
    write(file_, block_);
    data_size_ += static_cast<std::uint32_t>(block_.size());
    if (++frames_ % frames_a_second == 0) write_sizes();
  }

  Result<void> finish() override {
    if (!finished_) write_sizes();
    finished_ = true;
    if (!file_) return Errc::cannot_write;
    return {};
  }

 private:
  static constexpr std::uint32_t max_data = std::numeric_limits<std::uint32_t>::max() - 64 * 1024;
  static constexpr unsigned frames_a_second = 50;

  void write_sizes() {
    file_.seekp(0);
    write(file_, print_header(codec::sample_rate, data_size_));
    file_.seekp(0, std::ios::end);
    file_.flush();
  }

  std::ofstream file_;
  std::uint32_t data_size_ = 0;
  unsigned frames_ = 0;
  bool finished_ = false;
  Bytes block_;
};

}  // namespace

const char* to_string(Errc error) {
  switch (error) {
    case Errc::cannot_open:
      return "file cannot be opened";
    case Errc::cannot_read:
      return "file cannot be read";
    case Errc::cannot_write:
      return "file cannot be written";
    case Errc::not_wav:
      return "not a WAV file";
    case Errc::unsupported_format:
      return "WAV file is not 16 bit PCM, mono or stereo, 4 to 192 kHz";
    case Errc::too_large:
      return "WAV file is too long";
  }
  return "unknown device error";
}

Result<WavFormat> parse_wav(ByteView front, std::uint64_t file_size) {
  if (front.size() < 12 || as_text(front.first(4)) != "RIFF" || as_text(front.subspan(8, 4)) != "WAVE") {
    return Errc::not_wav;
  }
  WavFormat format;
  std::size_t at = 12;
  while (front.size() - at >= 8) {
    const auto name = as_text(front.subspan(at, 4));
    const std::uint64_t size = read_le32(front.subspan(at + 4));
    at += 8;
    if (name == "data") {
      if (format.rate == 0 || at > file_size) return Errc::not_wav;
      format.data_offset = at;
      format.data_size = std::min<std::uint64_t>(size, file_size - at);
      format.data_size -= format.data_size % (sample_size * format.channels);
      return format;
    }
    if (size > front.size() - at) return Errc::not_wav;
    if (name == "fmt ") {
      const auto read = read_format(front.subspan(at, static_cast<std::size_t>(size)), format);
      if (!read) return read.error();
    }
    // Chunks begin at even offsets.
    at = std::min(at + static_cast<std::size_t>(size + size % 2), front.size());
  }
  return Errc::not_wav;
}

Result<std::unique_ptr<AudioSource>> open_wav_source(const std::filesystem::path& path) {
  auto reader = Reader::open(path);
  if (!reader) return reader.error();
  auto resampler = codec::Resampler::make(reader->format().rate, codec::sample_rate);
  if (!resampler) return resampler.error();
  return std::unique_ptr<AudioSource>(std::make_unique<WavSource>(std::move(*reader), std::move(*resampler)));
}

Result<std::unique_ptr<AudioSink>> open_wav_sink(const std::filesystem::path& path) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!file) return Errc::cannot_open;
  write(file, print_header(codec::sample_rate, 0));
  return std::unique_ptr<AudioSink>(std::make_unique<WavSink>(std::move(file)));
}

Result<Sound> read_wav(const std::filesystem::path& path) {
  auto reader = Reader::open(path);
  if (!reader) return reader.error();
  Sound sound{.rate = reader->format().rate, .samples = {}};
  const std::uint64_t count = reader->format().data_size / (sample_size * reader->format().channels);
  if (count > std::uint64_t{sound.rate} * max_wav_seconds) return Errc::too_large;
  reader->read(static_cast<std::size_t>(count), sound.samples);
  return sound;
}

Result<void> write_wav(const std::filesystem::path& path, const Sound& sound) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!file) return Errc::cannot_open;
  Bytes bytes = print_header(sound.rate, static_cast<std::uint32_t>(sound.samples.size() * sample_size));
  append_samples(bytes, sound.samples);
  write(file, bytes);
  if (!file.flush()) return Errc::cannot_write;
  return {};
}

}  // namespace beckon::device
