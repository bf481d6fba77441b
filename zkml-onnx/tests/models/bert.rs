//! `bert`, imported from `bert.onnx` by `zkml import`.

use zkml_dsl::prelude::*;

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
    #[name = "bert.encoder.layer.0.attention.self.query.weight"]
    layer_0_query_weight: Weight<I12, 64, 64>,
    #[name = "bert.encoder.layer.0.attention.self.key.weight"]
    layer_0_key_weight: Weight<I12, 64, 64>,
    #[name = "bert.encoder.layer.0.attention.self.value.weight"]
    layer_0_value_weight: Weight<I12, 64, 64>,
    #[name = "bert.encoder.layer.0.attention.output.dense.weight"]
    layer_0_attention_output_dense_weight: Weight<I12, 64, 64>,
    #[name = "bert.encoder.layer.0.intermediate.dense.weight"]
    layer_0_intermediate_dense_weight: Weight<I12, 64, 128>,
    #[name = "bert.encoder.layer.0.output.dense.weight"]
    layer_0_output_dense_weight: Weight<I12, 128, 64>,
    #[name = "bert.encoder.layer.1.attention.self.query.weight"]
    layer_1_query_weight: Weight<I12, 64, 64>,
    #[name = "bert.encoder.layer.1.attention.self.key.weight"]
    layer_1_key_weight: Weight<I12, 64, 64>,
    #[name = "bert.encoder.layer.1.attention.self.value.weight"]
    layer_1_value_weight: Weight<I12, 64, 64>,
    #[name = "bert.encoder.layer.1.attention.output.dense.weight"]
    layer_1_attention_output_dense_weight: Weight<I12, 64, 64>,
    #[name = "bert.encoder.layer.1.intermediate.dense.weight"]
    layer_1_intermediate_dense_weight: Weight<I12, 64, 128>,
    #[name = "bert.encoder.layer.1.output.dense.weight"]
    layer_1_output_dense_weight: Weight<I12, 128, 64>,
) -> Tensor<I16, 1, 16, 64> {
    let embeddings = embedding(input_ids, word_embeddings_weight) + embeddings_bias
        + embeddings_bias_2;
    let layernorm = layer_norm(
        quantize::<I16>(embeddings),
        epsilon = 1e-12,
        fraction = 9,
    );
    let layer_0_query = quantize::<I12>(layernorm);
    let layer_0_query_2 = matmul(layer_0_query, layer_0_query_weight);
    let layer_0_key = matmul(layer_0_query, layer_0_key_weight);
    let layer_0_value = matmul(layer_0_query, layer_0_value_weight);
    let layer_0_self = attention(
        quantize_int8(layer_0_query_2),
        quantize_int8(layer_0_key),
        quantize_int8(layer_0_value),
        heads = 4,
        mask = attention_mask,
    );
    let layer_0_output = quantize::<
        I16,
    >(matmul(layer_0_self, layer_0_attention_output_dense_weight));
    let layer_0_layernorm = layer_norm(
        quantize::<I16>(layer_0_output + layernorm),
        epsilon = 1e-12,
        fraction = 9,
    );
    let layer_0_dense = matmul(
        quantize::<I12>(layer_0_layernorm),
        layer_0_intermediate_dense_weight,
    );
    let layer_0_intermediate_act_fn = gelu(quantize::<I12>(layer_0_dense));
    let layer_0_output_2 = quantize::<
        I16,
    >(matmul(layer_0_intermediate_act_fn, layer_0_output_dense_weight));
    let layer_0_layernorm_2 = layer_norm(
        quantize::<I16>(layer_0_output_2 + layer_0_layernorm),
        epsilon = 1e-12,
        fraction = 9,
    );
    let layer_1_query = quantize::<I12>(layer_0_layernorm_2);
    let layer_1_query_2 = matmul(layer_1_query, layer_1_query_weight);
    let layer_1_key = matmul(layer_1_query, layer_1_key_weight);
    let layer_1_value = matmul(layer_1_query, layer_1_value_weight);
    let layer_1_self = attention(
        quantize_int8(layer_1_query_2),
        quantize_int8(layer_1_key),
        quantize_int8(layer_1_value),
        heads = 4,
        mask = attention_mask,
    );
    let layer_1_output = quantize::<
        I16,
    >(matmul(layer_1_self, layer_1_attention_output_dense_weight));
    let layer_1_layernorm = layer_norm(
        quantize::<I16>(layer_1_output + layer_0_layernorm_2),
        epsilon = 1e-12,
        fraction = 9,
    );
    let layer_1_dense = matmul(
        quantize::<I12>(layer_1_layernorm),
        layer_1_intermediate_dense_weight,
    );
    let layer_1_intermediate_act_fn = gelu(quantize::<I12>(layer_1_dense));
    let layer_1_output_2 = quantize::<
        I16,
    >(matmul(layer_1_intermediate_act_fn, layer_1_output_dense_weight));
    layer_norm(
        quantize::<I16>(layer_1_output_2 + layer_1_layernorm),
        epsilon = 1e-12,
        fraction = 9,
    )
}
