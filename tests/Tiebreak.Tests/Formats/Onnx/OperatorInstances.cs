using Tiebreak.Programs;
using Tiebreak.Tests.Programs;

namespace Tiebreak.Tests.Formats.Onnx;

/// <summary>
/// Small random uses of every operator that has a derivative, one line each; an operator may have several. <see cref="OperatorUse"/> says what
/// operands and attributes are called here.
/// </summary>
static partial class OperatorInstances
{
    static readonly List<(string Domain, string Type, Action<OperatorUse, Dice> Describe)> Uses = [];

    static OperatorInstances()
    {
        Casts();
        Moves();
        Elementwise();
        Activations();
        Choices();
        Layers();
        Normalizations();
        Reductions();
        Transformers();
        Fused();
        Images();
    }

    /// <summary>All uses.</summary>
    public static IReadOnlyList<(string Domain, string Type, Action<OperatorUse, Dice> Describe)> All => Uses;

    /// <summary>Operators without an instance, and why.</summary>
    public static IReadOnlyDictionary<string, string> WithoutDerivative { get; } = new Dictionary<string, string>
    {
        ["Constant"] = Leaf,
        ["ConstantOfShape"] = Leaf,
        ["Range"] = "its operands are settings",
        ["OneHot"] = "its operands are an index and settings",
        ["Shape"] = Whole,
        ["Size"] = Whole,
        ["EyeLike"] = Leaf,
        ["DequantizeLinear"] = Leaf,
        ["HannWindow"] = Settings,
        ["HammingWindow"] = Settings,
        ["BlackmanWindow"] = Settings,
        ["MelWeightMatrix"] = Settings,
        ["RandomNormal"] = Drawn,
        ["RandomUniform"] = Drawn,
        ["RandomNormalLike"] = Drawn,
        ["RandomUniformLike"] = Drawn,
        ["Bernoulli"] = Drawn,
        ["Multinomial"] = Drawn,
        ["BitShift"] = Whole,
        ["BitwiseAnd"] = Whole,
        ["BitwiseOr"] = Whole,
        ["BitwiseXor"] = Whole,
        ["NonZero"] = Whole,
        ["IsInf"] = "its result is a truth that training cannot change",
        ["IsNaN"] = "its result is a truth that training cannot change",
        ["Unique"] = "its operand must be known numbers",
        ["Compress"] = "it is a Gather of known places",
        ["If"] = Nested,
        ["Loop"] = Nested,
        ["Scan"] = Nested,
        ["SequenceEmpty"] = Sequence,
        ["SequenceAt"] = Sequence,
        ["SequenceInsert"] = Sequence,
        ["SequenceErase"] = Sequence,
        ["SequenceLength"] = Sequence,
        ["ConcatFromSequence"] = Sequence,
    };

    const string Settings = "its operands are settings";
    const string Drawn = "its result is drawn, not computed";
    const string Nested = "it only runs other operators";
    const string Sequence = "it moves whole tensors; SplitToSequence and SequenceConstruct show the way in and out";

    const string Leaf = "it has no operands: what it makes is a weight or a constant";
    const string Whole = "its result is whole numbers";

    static void Add(string type, Action<OperatorUse, Dice> describe) => Uses.Add(("", type, describe));

    static void Casts()
    {
        Add("Identity", (u, d) => u.X(d.Shape(0, 3)));
        Add("Cast", (u, d) => u.X(d.Shape(0, 3)).With("to", 1));
        Add("CastLike", (u, d) => u.X(d.Shape(0, 3)).X(1));
    }

    static void Moves()
    {
        Add("Reshape", (u, d) => u.X(2, d.Next(1, 3), 3).Integers(3, -1));
        Add("Flatten", (u, d) => u.X(d.Shape(3, 3)).With("axis", d.Next(-3, 3)));
        Add("Squeeze", (u, d) => u.X(1, d.Next(1, 3), 1, 2).Integers(d.Of(0, 2, -2)));
        Add("Unsqueeze", (u, d) => u.X(d.Shape(2, 2)).Integers(d.Of(0, -1), 1));
        Add("Transpose", (u, d) => u.X(d.Shape(3, 3)).With("perm", d.Order(3)));
        Add("Concat", (u, d) => u.X(2, d.Next(1, 3)).X(2, d.Next(1, 3)).W(2, 1).With("axis", d.Of(1, -1)));
        Add("Split", (u, d) => u.X(2, 5).Integers(d.Of<long[]>([1, 3, 1], [2, 1, 2])).With("axis", 1).Results(3));
        Add("Slice", (u, d) => u.X(4, 5).Integers(d.Next(-4, 3), d.Of(4, -1)).Integers(d.Of(4, -1, 99), d.Of(-6, 0)).Integers(0, 1).Integers(d.Of(1, 2), d.Of(-1, -2)));
        Add("Gather", (u, d) => u.X(3, 4).Integers([2, 2], [0, d.Next(-3, 2), 1, d.Next(0, 2)]).With("axis", d.Of(0, 1)));
        Add("Gather", (u, d) => u.W(3, 4).Index(d.Next(1, 3), 2).With("axis", d.Of(0, 1)));
        Add("GatherElements", (u, d) => u.X(3, 3).Integers([2, 2], [0, d.Next(-3, 2), 2, 0]).With("axis", d.Of(0, 1)));
        Add("GatherElements", (u, d) => u.X(3, 3).Index(3, 3).With("axis", d.Of(0, 1)));
        Add("Expand", (u, d) => u.X(3, 1).Integers(2, d.Of(1, 3), d.Next(1, 4)));
        Add("Tile", (u, d) => u.X(d.Shape(2, 2)).Integers(d.Next(1, 3), d.Next(1, 3)));
        Add("Pad", (u, d) => u.X(3, 4).Integers(d.Next(0, 2), d.Next(0, 2), d.Next(-1, 2), d.Next(0, 2)).Number(d.Of(0, 1.5f)));
        Add("Pad", (u, d) => u.X(3, 4).Integers(d.Next(0, 2), d.Next(0, 2), d.Next(0, 2), d.Next(0, 2)).With("mode", d.Of("reflect", "edge")));
        Add("Pad", (u, d) => u.Opset(19).X(3, 4).Integers(d.Next(0, 2), d.Next(0, 2), d.Next(0, 2), d.Next(0, 2)).With("mode", "wrap"));
        Add("Scatter", (u, d) => u.Opset(10).X(3, 3).Integers([2, 3], [0, 1, 2, 2, 0, 1]).X(2, 3).With("axis", d.Of(0, 0)));
        Add("ScatterElements", (u, d) => u.X(3, 3).Integers([2, 3], [0, 1, 2, 2, 0, 1]).X(2, 3).With("axis", d.Of(0, 1)));
        Add("ScatterElements", (u, d) => u.Opset(16).X(3, 3).Integers([3, 2], [0, 0, 2, 2, 0, 1]).X(3, 2).With("axis", d.Of(0, 1)).With("reduction", "add"));
        Add("ScatterElements", (u, d) => u.Opset(16).X(2, 4).Index(2, 2).X(2, 2).With("axis", 1).With("reduction", d.Of("none", "add")));
        Add("ScatterND", (u, d) => u.X(4, 2).Integers([2, 1], [1, d.Of(0, 3)]).X(2, 2));
        Add("ScatterND", (u, d) => u.Opset(16).X(3, 3).Integers([3, 2], [1, 2, 0, 0, 1, d.Of(1, 2)]).X(3).With("reduction", "add"));
        Add("Trilu", (u, d) => u.X(2, 3, 4).Integers([], [d.Next(-2, 3)]).With("upper", d.Of(0, 1)));
        Add("DepthToSpace", (u, d) => u.X(d.Next(1, 2), 4, 2, d.Next(1, 3)).With("blocksize", 2).With("mode", d.Of("DCR", "CRD")));
        Add("SpaceToDepth", (u, d) => u.X(d.Next(1, 2), 2, 4, 2).With("blocksize", 2));
        Add("Resize", (u, d) => u.X(1, 2, 4, 3).Nothing().Floats(1, 1, d.Of(2f, 1.5f, 0.5f), d.Of(2f, 1f)).With("mode", d.Of("nearest", "linear")).With("coordinate_transformation_mode", d.Of("half_pixel", "asymmetric", "align_corners")));
        Add("Resize", (u, d) => u.X(1, 1, 4, 4).Nothing().Nothing().Integers(1, 1, d.Next(2, 7), d.Next(3, 6)).With("mode", "cubic").With("exclude_outside", d.Of(0, 1)));
        Add("Upsample", (u, d) => u.Opset(9).X(1, 2, 3, 2).Floats(1, 1, d.Of(2f, 1.5f), 2).With("mode", d.Of("nearest", "linear")));
    }

    static void Elementwise()
    {
        foreach (var type in new[] { "Add", "Sub", "Mul", "Max", "Min" })
        {
            Add(type, (u, d) => u.X(2, d.Of(1, 3)).X(d.Of(1, 2), 3));
            Add(type, (u, d) => u.X(d.Shape(2, 2)).W(1));
        }

        Add("Div", (u, d) => u.X(2, d.Of(1, 3)).X(d.Of(1, 2), 3).From(0.4, 2));
        foreach (var type in new[] { "Sum", "Mean", "Max", "Min" }) Add(type, (u, d) => u.X(2, d.Of(1, 3)).X(d.Of(1, 2), 3).X(3));
        foreach (var type in new[] { "Neg", "Abs", "Exp", "Tanh", "Erf", "Sin", "Cos", "Atan", "Sinh", "Cosh", "Asinh", "Sign", "Floor", "Ceil", "Round" }) Add(type, (u, d) => u.X(d.Shape(0, 3)));
        foreach (var type in new[] { "Log", "Sqrt", "Reciprocal" }) Add(type, (u, d) => u.X(d.Shape(0, 3)).From(0.3, 3));
        foreach (var type in new[] { "Asin", "Acos", "Atanh" }) Add(type, (u, d) => u.X(d.Shape(0, 3)).From(-0.9, 0.9));
        Add("Tan", (u, d) => u.X(d.Shape(0, 3)).From(-1.2, 1.2));
        Add("Acosh", (u, d) => u.X(d.Shape(0, 3)).From(1.2, 4));
        Add("Pow", (u, d) => u.X(d.Shape(0, 3)).From(0.3, 2).Number(d.Of(0.5f, -0.5f, 1.5f, 1.7f, -2.25f, -1f, 0f)));
        Add("Pow", (u, d) => u.X(d.Shape(0, 3)).Number(d.Of(1f, 2f, 3f, 4f, 7f)));
        Add("Pow", (u, d) => u.X(2, 3).From(0.3, 2).X(d.Of(1, 3)));
        Add("Mod", (u, d) => u.X(2, 3).From(-4, 4).X(2, 3).From(0.7, 1).With("fmod", 1));
    }

    static void Activations()
    {
        foreach (var type in new[] { "Relu", "Sigmoid", "Softplus", "Softsign", "HardSwish" }) Add(type, (u, d) => u.X(d.Shape(0, 3)).From(-4, 4));
        Add("Mish", (u, d) => u.Opset(18).X(d.Shape(0, 3)));
        foreach (var type in new[] { "LeakyRelu", "Elu", "Celu", "ThresholdedRelu" }) Add(type, (u, d) => u.X(d.Shape(0, 3)).With("alpha", (float)d.Double(0.1, 1.5)));
        Add("Selu", (u, d) => u.X(d.Shape(0, 3)));
        Add("HardSigmoid", (u, d) => u.X(d.Shape(0, 3)).From(-4, 4).With("alpha", 0.3f).With("beta", 0.4f));
        Add("PRelu", (u, d) => u.X(2, 3, 2).W(d.Of(1, 3), 1));
        Add("Shrink", (u, d) => u.X(d.Shape(0, 3)).With("lambd", (float)d.Double(0.2, 0.9)).With("bias", (float)d.Double(0, 0.5)));
        Add("Gelu", (u, d) => u.Opset(20).X(d.Shape(0, 3)).With("approximate", d.Of("none", "tanh")));
        Add("Clip", (u, d) => u.X(d.Shape(0, 3)).Number((float)d.Double(-1.5, 0)).Number((float)d.Double(0.1, 1.5)));
        Add("Clip", (u, d) => u.X(2, 3).X().From(-1, 0).Nothing());
        Add("Dropout", (u, d) => u.X(d.Shape(0, 3)).Number(0.5f));
    }

    static void Choices()
    {
        Add("TopK", (u, d) => u.X(3, 4).Integers(d.Next(1, 3)).With("axis", d.Of(0, 1)).With("largest", d.Of(0, 1)));
        Add("TopK", (u, d) => u.X(3, 4).Integers(d.Next(1, 3)).With("axis", 1).Results(2).Then("GatherElements", ["h0", "y1"], ("axis", 1)));
        foreach (var type in new[] { "ArgMax", "ArgMin" }) Add(type, (u, d) => u.X(3, 4).With("axis", d.Of(1, -1)).Then("GatherElements", ["h0", "y0"], ("axis", 1)));
        foreach (var type in new[] { "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal" }) Add(type, (u, d) => u.X(2, d.Of(1, 3)).X(d.Of(1, 2), 3).TimesNumber());
        foreach (var type in new[] { "And", "Or", "Xor" }) Add(type, (u, d) => u.Gate(2, d.Of(1, 3)).Gate(d.Of(1, 2), 3).TimesNumber());
        Add("Not", (u, d) => u.Gate(2, d.Of(1, 3)).TimesNumber());
        Add("Where", (u, d) => u.Gate(2, d.Of(1, 3)).X(d.Of(1, 2), 3).X(3));
        Add("Where", (u, d) => u.Flags([2, 3]).X(d.Of(1, 2), 3).X(3));
    }

    static void Layers()
    {
        Add("Conv", (u, d) => u.X(d.Next(1, 2), 2, 6).W(3, 2, d.Next(1, 3)).W(3).With("strides", [d.Next(1, 2)]).With("pads", [d.Next(0, 1), d.Next(0, 2)]));
        Add("Conv", (u, d) => u.X(1, 4, 5, 4).W(4, 2, 2, d.Next(1, 3)).With("group", 2).With("dilations", [d.Next(1, 2), 1]).With("auto_pad", d.Of("SAME_UPPER", "SAME_LOWER", "VALID")));
        Add("Conv", (u, d) => u.X(1, 2, 2, 3, 3).W(2, 1, 2, 2, d.Next(1, 2)).W(2).With("group", 2));
        Add("ConvTranspose", (u, d) => u.X(1, 2, 3, 2).W(2, 2, 2, 3).W(2).With("strides", [d.Next(1, 2), 2]).With("pads", [d.Next(0, 1), 0, 0, d.Next(0, 1)]));
        Add("ConvTranspose", (u, d) => u.X(2, 4, 3).W(4, 1, 3).With("group", 2).With("strides", [2]).With("output_padding", [d.Next(0, 1)]).With("dilations", [d.Next(1, 2)]));
        Add("Gemm", (u, d) => u.X(d.Next(1, 3), 4).W(2, 4).W(d.Of(1, 2)).With("transB", 1).With("alpha", 0.7f).With("beta", 1.3f));
        Add("Gemm", (u, d) => u.X(4, d.Next(1, 3)).W(4, 2).With("transA", 1));
        Add("MatMul", (u, d) => u.X(d.Of(1, 2), 2, 3).W(3, d.Next(1, 3)));
        Add("MatMul", (u, d) => u.X(d.Of(1, 2), 1, 2, 3).X(d.Of(1, 3), 3, 2));
        Add("MatMul", (u, d) => u.X(3).X(d.Of(1, 2), 3, 2));
        Add("Einsum", (u, d) => u.X(2, 3, 2).X(2, 3, 2).With("equation", d.Of("bij,bkj->bik", "bij,bij->bi", "bij,bij->ib", "abc,ade->bced")));
        Add("Einsum", (u, d) => u.X(3, 3).With("equation", d.Of("ij->ji", "ii->i", "ij->i", "ii->")));
        foreach (var (type, gates) in new[] { ("RNN", 1), ("GRU", 3), ("LSTM", 4) })
        {
            Add(type, (u, d) => u.X(3, 2, 2).W(1, gates * 2, 2).W(1, gates * 2, 2).W(1, gates * 4).With("hidden_size", 2).With("direction", d.Of("forward", "reverse")).Results(2));
            Add(type, (u, d) => u.X(2, 1, 3).W(2, gates * 2, 3).W(2, gates * 2, 2).Nothing().Nothing().X(2, 1, 2).With("hidden_size", 2).With("direction", "bidirectional").Results(2));
        }

        Add("GRU", (u, d) => u.X(3, 2, 2).W(1, 6, 2).W(1, 6, 2).W(1, 12).With("hidden_size", 2).With("linear_before_reset", 1));
        Add("LSTM", (u, d) => u.X(2, 2, 2).W(1, 8, 2).W(1, 8, 2).W(1, 16).Nothing().X(1, 2, 2).X(1, 2, 2).W(1, 6).With("hidden_size", 2).With("activations", ["Sigmoid", "Relu", "Tanh"]).Results(3));
        Add("MaxPool", (u, d) => u.X(1, 2, 5, 4).With("kernel_shape", [d.Next(1, 3), 2]).With("strides", [d.Next(1, 2), d.Next(1, 2)]).With("pads", [0, d.Next(0, 1), 0, d.Next(0, 1)]).With("ceil_mode", d.Of(0, 1)));
        Add("MaxPool", (u, d) => u.X(2, 1, 6).With("kernel_shape", [3]).With("dilations", [d.Next(1, 2)]).With("auto_pad", d.Of("SAME_UPPER", "VALID")));
        Add("AveragePool", (u, d) => u.X(1, 2, 5, 4).With("kernel_shape", [2, 3]).With("strides", [d.Next(1, 2), 1]).With("pads", [d.Next(0, 1), 1, 0, 1]).With("count_include_pad", d.Of(0, 1)).With("ceil_mode", d.Of(0, 1)));
        Add("LpPool", (u, d) => u.X(1, 2, 4, 4).With("kernel_shape", [2, 2]).With("p", d.Next(1, 3)).With("strides", [d.Next(1, 2), 2]));
        foreach (var type in new[] { "GlobalAveragePool", "GlobalMaxPool" }) Add(type, (u, d) => u.X(d.Shape(3, 4)));
        Add("GlobalLpPool", (u, d) => u.X(d.Shape(3, 4)).With("p", d.Next(1, 4)));
    }

    static void Normalizations()
    {
        Add("BatchNormalization", (u, d) => u.X(3, 2, d.Next(1, 3)).W(2).W(2).W(2).W(2).From(0.5, 2));
        Add("BatchNormalization", (u, d) => u.X(3, 2, d.Next(1, 3)).W(2).W(2).W(2).W(2).From(0.5, 2).ForInference());
        Add("InstanceNormalization", (u, d) => u.X(2, 2, d.Next(3, 4)).W(2).W(2));
        Add("GroupNormalization", (u, d) => u.Opset(21).X(2, 4, d.Next(2, 3)).W(4).W(4).With("num_groups", d.Of(1, 2)));
        Add("LayerNormalization", (u, d) => u.X(2, 3, 4).W(3, 4).W(d.Of(1, 3), 4).With("axis", 1).Results(d.Of(1, 3)));
        Add("LayerNormalization", (u, d) => u.X(2, 3, 4).W(4));
        Add("RMSNormalization", (u, d) => u.Opset(23).X(2, 3, 4).W(4).With("axis", d.Of(-1, 2)));
        Add("MeanVarianceNormalization", (u, d) => u.X(2, 2, 2, 3).With("axes", d.Of<int[]>([0, 2, 3], [2, 3], [1])));
        Add("LRN", (u, d) => u.X(1, 4, d.Next(1, 3)).With("size", d.Next(1, 4)).With("alpha", 0.6f).With("bias", 1.2f));
        Add("LpNormalization", (u, d) => u.X(2, 3).With("p", d.Next(1, 2)).With("axis", d.Of(0, 1)));
        foreach (var type in new[] { "Softmax", "LogSoftmax" })
        {
            Add(type, (u, d) => u.X(2, 3, 2).With("axis", d.Next(-3, 2)));
            Add(type, (u, d) => u.Opset(11).X(2, 3, 2).With("axis", d.Next(0, 2)));
        }

        Add("Hardmax", (u, d) => u.X(d.Shape(1, 3)).TimesNumber());
        Add("NegativeLogLikelihoodLoss", (u, d) => u.X(2, 3, 2).Index(2, 2).Floats(1, 0.5f, 2).With("reduction", d.Of("mean", "sum", "none")));
        Add("SoftmaxCrossEntropyLoss", (u, d) => u.X(2, 3).Index(2).With("reduction", d.Of("mean", "sum", "none")).Results(d.Of(1, 2)));
        Add("SoftmaxCrossEntropyLoss", (u, d) => u.X(2, 3, 2).Index(2, 2).With("ignore_index", d.Of(0, 2)));
    }

    static void Reductions()
    {
        foreach (var type in new[] { "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceSumSquare" })
        {
            Add(type, (u, d) => u.X(2, 3, 2).With("axes", d.Of<int[]>([0], [1], [-1, 0], [0, 1, 2])).With("keepdims", d.Of(0, 1)));
            Add(type, (u, d) => u.Opset(18).X(2, 3).Integers(d.Of(0, 1, -1)));
        }

        Add("ReduceSum", (u, d) => u.X(2, 3, 2).Integers(d.Of(0, 1, -1)).With("keepdims", d.Of(0, 1)));
        Add("ReduceLogSum", (u, d) => u.X(2, 3, 2).From(0.2, 2).With("axes", d.Of<int[]>([0], [1], [-1, 0])));
        Add("CumSum", (u, d) => u.X(3, 3).Integers([], [d.Of(0, 1, -1)]).With("exclusive", d.Of(0, 1)).With("reverse", d.Of(0, 1)));
    }
}
