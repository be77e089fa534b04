using Tiebreak.Programs;

namespace Tiebreak.MakeCheckpoint;

/// <summary>Llama as Llama 3.2 1B is saved: the head is the token table, and dense weights are [outputs, inputs].</summary>
public class Llama : Architecture
{
    const string Prefix = "model.";
    const double Usually = 0.02; // deviation of a weight

    /// <inheritdoc/>
    public override string Type => "llama";

    /// <inheritdoc/>
    public override string Config(string type, double dropout) => $$"""
        {
          "architectures": [
            "LlamaForCausalLM"
          ],
          "attention_bias": false,
          "attention_dropout": 0.0,
          "bos_token_id": {{Size.Vocabulary - 2}},
          "eos_token_id": {{Size.Vocabulary - 1}},
          "head_dim": {{Size.HeadSize}},
          "hidden_act": "silu",
          "hidden_size": {{Size.Width}},
          "initializer_range": 0.02,
          "intermediate_size": {{Size.Inner}},
          "max_position_embeddings": 131072,
          "mlp_bias": false,
          "model_type": "llama",
          "num_attention_heads": {{Size.Heads}},
          "num_hidden_layers": {{Size.Layers}},
          "num_key_value_heads": {{Size.SharedHeads}},
          "pretraining_tp": 1,
          "rms_norm_eps": 1e-05,
          "rope_scaling": {
            "factor": 32.0,
            "high_freq_factor": 4.0,
            "low_freq_factor": 1.0,
            "original_max_position_embeddings": 8192,
            "rope_type": "llama3"
          },
          "rope_theta": 500000.0,
          "tie_word_embeddings": true,
          "torch_dtype": "{{type}}",
          "use_cache": true,
          "vocab_size": {{Size.Vocabulary}}
        }

        """;

    /// <inheritdoc/>
    public override IEnumerable<Copied> Units(int layer, params int[] units) => GatedUnits($"{Prefix}layers.{layer}.mlp.", "gate_proj", "up_proj", "down_proj", units);

    /// <inheritdoc/>
    public override IEnumerable<Copied> Heads(int layer, int from, int to)
    {
        var at = $"{Prefix}layers.{layer}.self_attn.";
        var each = Size.Heads / Size.SharedHeads;
        int[] places = [from * Size.HeadSize, to * Size.HeadSize];
        string[] rows = from / each == to / each ? ["q_proj"] // they read one head of keys
            : each == 1 ? ["q_proj", "k_proj", "v_proj"]
            : throw new TiebreakException($"heads {from} and {to} read different heads of keys, which others read, too");
        return [.. rows.Select(name => new Copied($"{at}{name}.weight", 0, Size.HeadSize, places)), new Copied(at + "o_proj.weight", 1, Size.HeadSize, places)];
    }

    /// <inheritdoc/>
    public override IEnumerable<Copied> Tokens(int from, int to) => [new(Prefix + "embed_tokens.weight", 0, 1, from, to)];

    /// <summary>Incoming rows and outgoing columns of units behind a gate.</summary>
    protected static IEnumerable<Copied> GatedUnits(string at, string gate, string up, string down, int[] units) =>
        [new($"{at}{gate}.weight", 0, 1, units), new($"{at}{up}.weight", 0, 1, units), new($"{at}{down}.weight", 1, 1, units)];

    /// <inheritdoc/>
    protected override ModelSize Usual(int width)
    {
        var heads = width >= 128 ? width / 64 : 4;
        return new ModelSize { Layers = Math.Max(2, width / 128), Width = width, Heads = heads, SharedHeads = SharedBy(heads), Inner = 4 * width, Vocabulary = width >= 1024 ? 128256 : 16 * width };
    }

    /// <summary>How many heads of keys so many heads of queries share: a quarter, if that is a whole number.</summary>
    protected static int SharedBy(int heads) => heads % 4 == 0 ? heads / 4 : heads % 2 == 0 ? heads / 2 : 1;

    /// <inheritdoc/>
    protected override IEnumerable<TensorPlan> Plans()
    {
        var (width, narrow) = (Size.Width, Size.SharedHeads * Size.HeadSize);
        yield return new(Prefix + "embed_tokens.weight", new Shape(Size.Vocabulary, width), Usually);
        for (var layer = 0; layer < Size.Layers; layer++)
        {
            var at = $"{Prefix}layers.{layer}.";
            yield return Scale(at + "input_layernorm");
            yield return Scale(at + "post_attention_layernorm");
            yield return Dense(at + "self_attn.q_proj", width, width);
            yield return Dense(at + "self_attn.k_proj", narrow, width);
            yield return Dense(at + "self_attn.v_proj", narrow, width);
            yield return Dense(at + "self_attn.o_proj", width, width);
            foreach (var tensor in FeedForward(at)) yield return tensor;
        }

        yield return Scale(Prefix + "norm");
    }

    /// <summary>The tensors of a layer's feed-forward part.</summary>
    protected virtual IEnumerable<TensorPlan> FeedForward(string at) =>
        [Dense(at + "mlp.gate_proj", Size.Inner, Size.Width), Dense(at + "mlp.up_proj", Size.Inner, Size.Width), Dense(at + "mlp.down_proj", Size.Width, Size.Inner)];

    /// <summary>The matrix of a dense layer.</summary>
    protected static TensorPlan Dense(string module, int outputs, int inputs) => new(module + ".weight", new Shape(outputs, inputs), Usually);

    TensorPlan Scale(string module) => new(module + ".weight", new Shape(Size.Width), 0.1, 1);
}
