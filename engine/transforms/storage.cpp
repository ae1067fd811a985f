// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/storage.h"

#include "engine/transforms/parameters.h"
#include "engine/transforms/store.h"

namespace ts {
namespace {

class PlainStorage : public StorageTransform {
 public:
  PlainStorage(std::string format, Targets targets, const std::string& head)
      : StorageTransform(format, targets, head == "same", head), format_(format) {}

 protected:
  Result<MatrixPtr> repack(const Matrix& matrix, ThreadPool& pool) const override {
    return packPlain(unpack(matrix), format_, pool);
  }

 private:
  std::string format_;
};

}  // namespace

Result<TransformReport> StorageTransform::apply(Model& model, TransformContext& context) const {
  std::int64_t matrices = 0;
  const Repack repackOne = [&](const Matrix& matrix) -> Result<MatrixPtr> {
    ++matrices;
    return repack(matrix, context.pool);
  };
  for (std::size_t i = 0; i < model.blocks.size(); ++i) {
    TS_CHECK(stopRequested(context, id_));
    context.progress(static_cast<double>(i) / static_cast<double>(model.blocks.size() + 1), id_);
    TS_CHECK(repackBlock(model.blocks[i], targets_, repackOne));
  }
  if (headToo_) {
    TS_CHECK(repackHead(model, repackOne));
  } else {
    TS_CHECK(applyHeadChoice(model, head_, context));
  }
  return TransformReport{{id_ + ".matrices", static_cast<double>(matrices)}};
}

Result<MatrixPtr> RoundingStorage::repack(const Matrix& matrix, ThreadPool& pool) const {
  return pack(roundToNearest(shape_, unpack(matrix), pool), pool);
}

Strategy plainStorage(std::string id, std::string title, std::string help) {
  return {{.id = id, .family = Family::Weights, .title = std::move(title), .help = std::move(help),
           .parameters = {targetsParameter(), headParameter({"same", "keep"}, "same")}},
          Make<WeightTransform>([id](const Settings& settings) -> Result<std::unique_ptr<WeightTransform>> {
            return std::make_unique<PlainStorage>(id, targetsOf(settings), settings.text("head"));
          })};
}

}  // namespace ts
