using Tiebreak.Programs;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>
/// Random numbers are data: any numbers, other ones in every sample. No gradient flows to what they are drawn by, as in the frameworks.
/// </summary>
static class RandomNumbers
{
    /// <summary>Whether an operator's result differs from run to run, whatever its operands are.</summary>
    public static bool AreDrawnBy(string type) => type is "RandomNormal" or "RandomUniform" or "RandomNormalLike" or "RandomUniformLike" or "Bernoulli" or "Multinomial";

    public static void OfShape(OperatorCall call)
    {
        var shape = new Shape(call.Ints("shape") ?? throw call.Fail("its shape is missing; export the model again"));
        if (call.Lowering.BatchChange is { } change && shape.Rank > 0 && shape[0] == change.From) shape = new Shape([change.To, .. shape.Sizes.Skip(1)]); // the file fixed the batch here, too
        call.Set(Drawn(call, shape));
    }

    public static void Like(OperatorCall call) => call.Set(Drawn(call, call.Shape(0)));

    public static void Bernoulli(OperatorCall call)
    {
        var kind = KindOf((DataType)call.Int("dtype", (long)DataType.Float));
        call.Set(0, Value.Of(Drawn(call, call.Shape(0)), kind));
    }

    /// <summary>Indices of classes, drawn for each row: fresh soft distributions.</summary>
    public static void Multinomial(OperatorCall call)
    {
        var scores = call.Shape(0);
        if (scores.Rank != 2) throw call.Fail($"its scores of shape {scores} must have a batch and classes");
        var shape = new Shape(call.Narrow([scores[0], call.Int("sample_size", 1)], "sizes"));
        var leaf = call.Lowering.MaskLeaf(call);
        Note(call);
        call.Set(0, new Value
        {
            Kind = ElementKind.Integer,
            Shape = shape,
            Rows = scores[1],
            Index = rows => rows == scores[1] ? call.Builder.Data(leaf, new Shape([.. shape.Sizes, rows]), DataKind.Distribution)
                : throw call.Fail($"its result chooses among {scores[1]} classes, but is used as an index among {rows}"),
            Numbers = () => call.Builder.Data($"{leaf} as numbers", shape),
        });
    }

    static Node Drawn(OperatorCall call, Shape shape)
    {
        Note(call);
        return call.Builder.Data(call.Lowering.MaskLeaf(call), shape);
    }

    static void Note(OperatorCall call) => call.Lowering.Note($"node `{call.Name}` draws random numbers, which count as data");

    static ElementKind KindOf(DataType type) => TensorReader.FormatOf(type) is not null ? ElementKind.Float : type == DataType.Bool ? ElementKind.Bool : ElementKind.Integer;
}
