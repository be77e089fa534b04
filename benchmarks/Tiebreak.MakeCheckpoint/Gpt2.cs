using System.Globalization;
using Tiebreak.Programs;

namespace Tiebreak.MakeCheckpoint;

/// <summary>GPT-2 as <c>GPT2LMHeadModel.save_pretrained</c> writes it: the head is the token table, and dense weights are [inputs, outputs].</summary>
public sealed class Gpt2 : Architecture
{
    const string Prefix = "transformer.";
    const int Places = 1024;
    const int FullVocabulary = 50257;
    const double Usually = 0.02; // deviation of a weight

    /// <inheritdoc/>
    public override string Type => "gpt2";

    /// <summary>Biases of keys: a softmax takes away what they add.</summary>
    public override long Stuck => (long)Size.Layers * Size.Width;

    /// <inheritdoc/>
    public override string Config(string type, double dropout)
    {
        var rate = dropout.ToString("0.0####", CultureInfo.InvariantCulture);
        return $$"""
            {
              "activation_function": "gelu_new",
              "architectures": [
                "GPT2LMHeadModel"
              ],
              "attn_pdrop": {{rate}},
              "bos_token_id": {{Size.Vocabulary - 1}},
              "embd_pdrop": {{rate}},
              "eos_token_id": {{Size.Vocabulary - 1}},
              "initializer_range": 0.02,
              "layer_norm_epsilon": 1e-05,
              "model_type": "gpt2",
              "n_ctx": {{Places}},
              "n_embd": {{Size.Width}},
              "n_head": {{Size.Heads}},
              "n_inner": {{Size.Inner}},
              "n_layer": {{Size.Layers}},
              "n_positions": {{Places}},
              "resid_pdrop": {{rate}},
              "tie_word_embeddings": true,
              "torch_dtype": "{{type}}",
              "vocab_size": {{Size.Vocabulary}}
            }

            """;
    }

    /// <inheritdoc/>
    public override IEnumerable<Copied> Units(int layer, params int[] units)
    {
        var at = $"{Prefix}h.{layer}.mlp.";
        return [new(at + "c_fc.weight", 1, 1, units), new(at + "c_fc.bias", 0, 1, units), new(at + "c_proj.weight", 0, 1, units)];
    }

    /// <inheritdoc/>
    public override IEnumerable<Copied> Heads(int layer, int from, int to)
    {
        var at = $"{Prefix}h.{layer}.attn.";
        foreach (var part in new[] { 0, Size.Width, 2 * Size.Width }) // queries, keys, values
        {
            int[] places = [part + from * Size.HeadSize, part + to * Size.HeadSize];
            yield return new Copied(at + "c_attn.weight", 1, Size.HeadSize, places);
            yield return new Copied(at + "c_attn.bias", 0, Size.HeadSize, places) { IsStuck = part == Size.Width };
        }

        yield return new Copied(at + "c_proj.weight", 0, Size.HeadSize, from * Size.HeadSize, to * Size.HeadSize);
    }

    /// <inheritdoc/>
    public override IEnumerable<Copied> Tokens(int from, int to) => [new(Prefix + "wte.weight", 0, 1, from, to)];

    /// <inheritdoc/>
    protected override ModelSize Usual(int width)
    {
        var heads = width >= 128 ? width / 64 : 4;
        return new ModelSize { Layers = Math.Max(2, width / 64), Width = width, Heads = heads, SharedHeads = heads, Inner = 4 * width, Vocabulary = width >= 768 ? FullVocabulary : 16 * width };
    }

    /// <inheritdoc/>
    protected override IEnumerable<TensorPlan> Plans()
    {
        var (width, inner) = (Size.Width, Size.Inner);
        var outgoing = Usually / Math.Sqrt(2 * Size.Layers);
        yield return new(Prefix + "wte.weight", new Shape(Size.Vocabulary, width), Usually);
        yield return new(Prefix + "wpe.weight", new Shape(Places, width), Usually / 2);
        for (var layer = 0; layer < Size.Layers; layer++)
        {
            var at = $"{Prefix}h.{layer}.";
            foreach (var tensor in Norm(at + "ln_1").Concat(Dense(at + "attn.c_attn", width, 3 * width, Usually)).Concat(Dense(at + "attn.c_proj", width, width, outgoing))
                .Concat(Norm(at + "ln_2")).Concat(Dense(at + "mlp.c_fc", width, inner, Usually)).Concat(Dense(at + "mlp.c_proj", inner, width, outgoing)))
                yield return tensor;
        }

        foreach (var tensor in Norm(Prefix + "ln_f")) yield return tensor;
    }

    IEnumerable<TensorPlan> Norm(string module) => [new(module + ".weight", new Shape(Size.Width), 0.1, 1), new(module + ".bias", new Shape(Size.Width), Usually)];

    static IEnumerable<TensorPlan> Dense(string module, int inputs, int outputs, double deviation) => [new(module + ".weight", new Shape(inputs, outputs), deviation), new(module + ".bias", new Shape(outputs), Usually)];
}
