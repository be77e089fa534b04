namespace Tiebreak.Tests.Formats.Onnx;

/// <summary>Operators that stand for whole layers, and those of images.</summary>
static partial class OperatorInstances
{
    static void AddRuntime(string type, Action<OperatorUse, Tiebreak.Tests.Programs.Dice> describe) => Uses.Add(("com.microsoft", type, describe));

    static void Transformers()
    {
        Add("Attention", (u, d) => u.Opset(23).X(1, 2, 2, 4).X(1, 2, 3, 4).X(1, 2, 3, 2));
        Add("Attention", (u, d) => u.Opset(23).X(1, 2, 2, 4).X(1, 1, 3, 4).X(1, 1, 3, 2));
        Add("Attention", (u, d) => u.Opset(23).X(2, 3, 4).X(2, 3, 4).X(2, 3, 4).With("q_num_heads", 2).With("kv_num_heads", 2).With("is_causal", d.Of(0, 1)).With("softcap", d.Of(0f, 2f)));
        Add("RotaryEmbedding", (u, d) => u.Opset(23).X(2, 2, 3, 4).X(2, 3, 2).X(2, 3, 2).With("interleaved", d.Of(0, 1)));
        Add("SimplifiedLayerNormalization", (u, d) => u.X(2, 3, 4).W(4));
        Add("GatherND", (u, d) => u.X(3, 2, 2).Integers([2, 2], [0, 1, d.Next(0, 2), 0]));
        Add("ReverseSequence", (u, d) => u.X(3, 2, 2).Integers(d.Next(1, 3), d.Next(1, 3)).With("time_axis", 0).With("batch_axis", 1));
        Add("SplitToSequence", (u, d) => u.X(4, 2).Integers(1, 3).Then("ConcatFromSequence", ["y0"], ("axis", 0)));
        Add("SequenceConstruct", (u, d) => u.X(2, 2).X(d.Next(1, 2), 2).Then("ConcatFromSequence", ["y0"], ("axis", 0)));
        Add("Det", (u, d) => u.X(2, 2));
        Add("Det", (u, d) => u.X(2, 3, 3));
        Add("DFT", (u, d) => u.Opset(17).X(1, 4, 1).With("axis", 1).With("onesided", d.Of(0, 1)));
        Add("STFT", (u, d) => u.Opset(17).X(1, 8, 1).Integers([], [2]).Nothing().Integers([], [4]).With("onesided", d.Of(0, 1)));
    }

    static void Fused()
    {
        AddRuntime("Attention", (u, d) => u.X(2, 3, 4).W(4, 12).W(12).With("num_heads", d.Of(1, 2)).With("unidirectional", d.Of(0, 1)));
        AddRuntime("MultiHeadAttention", (u, d) => u.X(2, 3, 4).X(2, 2, 4).X(2, 2, 4).With("num_heads", d.Of(1, 2)));
        AddRuntime("GroupQueryAttention", (u, d) => u.X(1, 3, 8).X(1, 3, 4).X(1, 3, 4).Nothing().Nothing().Integers(2).Integers([], [3]).With("num_heads", 2).With("kv_num_heads", 1));
        AddRuntime("RotaryEmbedding", (u, d) => u.X(2, 2, 3, 4).Integers([2, 3], [0, 1, 2, 1, 2, 3]).X(5, 2).X(5, 2).With("interleaved", d.Of(0, 1)));
        AddRuntime("SkipLayerNormalization", (u, d) => u.X(2, 3, 4).X(2, 3, 4).W(4).W(4));
        AddRuntime("SkipSimplifiedLayerNormalization", (u, d) => u.X(2, 3, 4).X(2, 3, 4).W(4));
        AddRuntime("SimplifiedLayerNormalization", (u, d) => u.X(2, 3, 4).W(4));
        AddRuntime("LayerNormalization", (u, d) => u.X(2, 3, 4).W(4).W(4));
        AddRuntime("EmbedLayerNormalization", (u, d) => u.Index(2, 3).Nothing().W(5, 4).W(4, 4).Nothing().W(4).W(4));
        AddRuntime("GroupNorm", (u, d) => u.X(1, 2, 3, 4).W(4).W(4).With("groups", d.Of(1, 2)).With("activation", d.Of(0, 1)).With("channels_last", 1));
        foreach (var type in new[] { "Gelu", "QuickGelu", "FastGelu" }) AddRuntime(type, (u, d) => u.X(2, 4));
        foreach (var type in new[] { "BiasGelu", "FastGelu", "BiasDropout" }) AddRuntime(type, (u, d) => u.X(2, 4).W(4));
        AddRuntime("BiasSplitGelu", (u, d) => u.X(1, 2, 4).W(4));
        AddRuntime("BiasAdd", (u, d) => u.X(1, 2, 4).W(4).X(1, 2, 4));
        AddRuntime("BiasSoftmax", (u, d) => u.X(2, 3, 4).X(2, 1, 4).With("axis", 2).With("is_inner_broadcast", 0));
        foreach (var type in new[] { "FusedMatMul", "TransposeMatMul" }) AddRuntime(type, (u, d) => u.X(2, 3, 2).X(2, 4, 2).With("transB", 1).With("alpha", 0.5f));
        AddRuntime("FusedGemm", (u, d) => u.X(2, 3).W(3, 2).W(2).With("activation", d.Of("Tanh", "Sigmoid")));
        AddRuntime("GemmFastGelu", (u, d) => u.X(2, 3).W(3, 2).W(2));
        AddRuntime("FusedConv", (u, d) => u.X(1, 2, 4, 3).W(2, 2, 2, 2).W(2).With("activation", d.Of("Tanh", "Sigmoid")));
        AddRuntime("GatherND", (u, d) => u.X(3, 2, 2).Integers([2, 2], [0, 1, d.Next(0, 2), 0]));
        AddRuntime("Trilu", (u, d) => u.X(2, 3, 3).With("upper", d.Of(0, 1)));
        AddRuntime("GridSample", (u, d) => u.X(1, 2, 3, 3).Floats([1, 2, 1, 2], [-0.3f, 0.4f, 0.7f, -0.9f]).With("mode", d.Of("bilinear", "nearest")));
    }

    static void Images()
    {
        Add("GridSample", (u, d) => u.Opset(16).X(1, 2, 3, 3).Floats([1, 2, 1, 2], [-0.3f, 0.4f, 0.7f, -0.9f]).With("align_corners", d.Of(0, 1)).With("padding_mode", d.Of("zeros", "border")));
        Add("AffineGrid", (u, d) => u.Opset(20).X(2, 2, 3).Integers(2, 1, 2, 3).With("align_corners", d.Of(0, 1)));
        Add("RoiAlign", (u, d) => u.Opset(16).X(1, 2, 6, 6).Floats([1, 4], [0.7f, 0.9f, 4.1f, 4.7f]).Integers(0).With("output_height", 2).With("output_width", 2).With("sampling_ratio", 2));
        Add("CenterCropPad", (u, d) => u.Opset(18).X(3, 4).Integers(d.Next(1, 5), d.Next(1, 5)));
        Add("Col2Im", (u, d) => u.Opset(18).X(1, 4, 4).Integers(3, 3).Integers(2, 2));
        Add("MaxUnpool", (u, d) => u.X(1, 1, 2, 2).Integers([1, 1, 2, 2], [0, 3, 9, d.Of(10, 15)]).With("kernel_shape", [2, 2]).With("strides", [2, 2]));
    }
}
