//! `bert`, imported from `bert.onnx` by `zkml import`.

use zkml_dsl::prelude::*;

#[zk_model(report = line)]
pub fn layer(
    x: Tensor<I16, 1, 16, 64>,
    attention_mask: Tensor<U8, 16>,
    #[name = "attention.self.query.weight"]
    query_weight: Weight<I12, 64, 64>,
    #[name = "attention.self.key.weight"]
    key_weight: Weight<I12, 64, 64>,
    #[name = "attention.self.value.weight"]
    value_weight: Weight<I12, 64, 64>,
    #[name = "attention.output.dense.weight"]
    attention_output_dense_weight: Weight<I12, 64, 64>,
    #[name = "intermediate.dense.weight"]
    intermediate_dense_weight: Weight<I12, 64, 128>,
    #[name = "output.dense.weight"]
    output_dense_weight: Weight<I12, 128, 64>,
) -> Tensor<I16, 1, 16, 64> {
    let query = quantize::<I12>(x);
    let query_2 = matmul(query, query_weight);
    let key = matmul(query, key_weight);
    let value = matmul(query, value_weight);
    let self_ = attention(
        quantize_int8(query_2),
        quantize_int8(key),
        quantize_int8(value),
        heads = 4,
        mask = attention_mask,
    );
    let output = quantize::<I16>(matmul(self_, attention_output_dense_weight)) + x;
    let layernorm = layer_norm(quantize::<I16>(output), epsilon = 1e-12, fraction = 9);
    let intermediate_act_fn = quantize::<I12>(matmul(quantize::<I12>(layernorm), intermediate_dense_weight));
    let intermediate_act_fn_2 = gelu(intermediate_act_fn);
    let output_2 = quantize::<I16>(matmul(intermediate_act_fn_2, output_dense_weight))
        + layernorm;
    let x = layer_norm(quantize::<I16>(output_2), epsilon = 1e-12, fraction = 9);
    x
}

#[zk_model]
pub fn bert(
    input_ids: Tensor<I24, 1, 16>,
    attention_mask: Tensor<U8, 16>,
    #[name = "bert.embeddings.word_embeddings.weight"]
    word_embeddings_weight: Weight<I16, 512, 64>,
    #[name = "bert.embeddings.bias"]
    embeddings_bias: Weight<I24, 16, 64>,
    #[name = "bert.embeddings.bias.2"]
    embeddings_bias_2: Weight<I24, 16, 64>,
    #[name = "bert.encoder.layer"]
    layers: [layer::Weights; 2],
) -> Tensor<I16, 1, 16, 64> {
    let embeddings = embedding(input_ids, word_embeddings_weight) + embeddings_bias
        + embeddings_bias_2;
    let layernorm = layer_norm(
        quantize::<I16>(embeddings),
        epsilon = 1e-12,
        fraction = 9,
    );
    let mut output = layernorm;
    for l in 0..2 {
        output = layer(output, attention_mask, layers[l]);
    }
    output
}
