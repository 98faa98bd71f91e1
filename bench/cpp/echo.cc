// A C++ gRPC server that answers every AcquireKey with one response, made before. Argument: the response in base64.
// One thread serves one completion queue, which is the fastest way on one core.
#include <grpcpp/grpcpp.h>
#include <sys/resource.h>

#include <iostream>
#include <string>
#include <thread>

#include "keylease/v1/key_lease_service.grpc.pb.h"

using keylease::v1::AcquireKeyRequest;
using keylease::v1::AcquireKeyResponse;
using Service = keylease::v1::KeyLeaseService::WithAsyncMethod_AcquireKey<keylease::v1::KeyLeaseService::Service>;

static AcquireKeyResponse response;

// One call: asked for, then answered, then replaced by the next.
class Call {
 public:
  Call(Service* service, grpc::ServerCompletionQueue* queue) : service_(service), queue_(queue), writer_(&context_) {
    service_->RequestAcquireKey(&context_, &request_, &writer_, queue_, queue_, this);
  }

  void Proceed(bool ok) {
    if (answered_ || !ok) {
      delete this;
      return;
    }
    answered_ = true;
    new Call(service_, queue_);
    writer_.Finish(response, grpc::Status::OK, this);
  }

 private:
  Service* service_;
  grpc::ServerCompletionQueue* queue_;
  grpc::ServerContext context_;
  AcquireKeyRequest request_;
  grpc::ServerAsyncResponseWriter<AcquireKeyResponse> writer_;
  bool answered_ = false;
};

static std::string FromBase64(const std::string& text) {
  static const std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0;
  int count = 0;
  for (char letter : text) {
    if (letter == '=') break;
    bits = (bits << 6) | static_cast<unsigned>(letters.find(letter));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>((bits >> count) & 0xff));
  }
  return bytes;
}

static long long Micros(const timeval& time) { return time.tv_sec * 1000000LL + time.tv_usec; }

// The same conversation as with the other servers: an address, then a line of JSON for each word, until the input ends.
static void AnswerLines() {
  std::string word;
  while (std::getline(std::cin, word)) {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    std::cout << "{\"cpuMicros\":" << Micros(usage.ru_utime) + Micros(usage.ru_stime) << ",\"rssBytes\":" << usage.ru_maxrss * 1024
              << "}" << std::endl;
  }
  _exit(0);
}

int main(int count, char** arguments) {
  if (count < 2 || !response.ParseFromString(FromBase64(arguments[1]))) return 2;
  Service service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  auto queue = builder.AddCompletionQueue();
  auto server = builder.BuildAndStart();
  std::cout << "{\"address\":\"127.0.0.1:" << port << "\"}" << std::endl;
  std::thread(AnswerLines).detach();
  for (int i = 0; i < 256; i++) new Call(&service, queue.get());
  void* tag;
  bool ok;
  while (queue->Next(&tag, &ok)) static_cast<Call*>(tag)->Proceed(ok);
}
