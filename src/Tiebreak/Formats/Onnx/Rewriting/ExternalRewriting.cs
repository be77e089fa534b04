using Tiebreak.Numbers;

namespace Tiebreak.Formats.Onnx.Rewriting;

/// <summary>
/// The files beside an ONNX model: those with changed numbers are copied with them, and those without are shared where the new model is in the same folder, else copied. A file keeps its name
/// unless another one has it already; then the tensors in it are told the new name.
/// </summary>
sealed class ExternalRewriting(MappedFile model, WireIndex index, ExternalData external, StagedFiles files)
{
    const int Entry = 13; // TensorProto.external_data

    readonly Dictionary<string, List<FileEdit>> _edits = new(StringComparer.Ordinal);

    /// <summary>Notes new numbers for some bytes of a file.</summary>
    public void Change(ByteRange range, FloatFormat format, ExactTensor values, string owner)
    {
        var path = range.File.Path;
        if (!_edits.TryGetValue(path, out var edits)) _edits[path] = edits = [];
        edits.Add(new FileEdit(range.Offset, range.Offset + range.Length, new NumberBytes(values, format, 0, values.Count), owner));
    }

    /// <summary>Writes the files; the edits tell the model their new names.</summary>
    public IEnumerable<FileEdit> Write()
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal); // old path → new location
        var renamed = new List<FileEdit>();
        foreach (var place in index.Places.Where(place => place.Kind == WireIndex.Message.Tensor))
        {
            foreach (var field in WireField.In(model, place.Start, place.End).Where(field => field.Number == Entry))
            {
                var parts = WireField.In(model, field.Content, field.End).Where(part => part.Type == 2).ToDictionary(part => part.Number, part => part.Text(model));
                if (parts.GetValueOrDefault(1) != "location" || parts.GetValueOrDefault(2) is not { Length: > 0 } location) continue;
                var file = external.FileAt(location);
                if (!names.TryGetValue(file.Path, out var name)) names[file.Path] = name = Place(file, location);
                if (name == location) continue;
                byte[] entry = [.. WireField.Of(1, "location"u8), .. WireField.Of(2, System.Text.Encoding.UTF8.GetBytes(name))];
                renamed.Add(new FileEdit(field.Start, field.End, new PlainBytes(WireField.Of(Entry, entry)), location));
            }
        }

        return renamed;
    }

    string Place(MappedFile file, string location)
    {
        var inner = Path.Combine(location.Split('/', '\\'));
        var own = $"{files.Name}.data";
        if (!_edits.TryGetValue(file.Path, out var edits)) return files.Carry(file.Path, inner, own) is var carried && carried == inner ? location : carried;
        var isFree = files.IsFree(inner);
        var name = isFree ? inner : files.OwnName(own);
        files.Write(name, stream => FilePatch.Write(file, edits, stream, files.Cancellation));
        return isFree ? location : name;
    }
}
